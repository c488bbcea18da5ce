#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// silu(gate) · up, silu(x) = x / (1 + e^-x).
package enum SwiGLU {
  /// Replaces `gate` by the result.
  ///
  /// - Parameter limit: gate is at most this, up within ± this (DeepSeek-V4); nil for no limit.
  package static func combine(_ gate: Activations, _ up: Activations, limit: Float? = nil) {
    let (g, u) = (gate.values, up.values)
    for index in g.indices {
      var (a, b) = (g[index], u[index])
      if let limit { (a, b) = (min(a, limit), max(-limit, min(b, limit))) }
      g[index] = a / (1 + expf(-a)) * b
    }
  }

  /// down(silu(gate x) · up x) with the weights of these names, and their biases where there are some.
  package static func feedForward(
    _ x: Activations, prefix: String, suffix: String = "", limit: Float? = nil,
    _ products: Products
  ) throws(ModelError) -> Activations {
    let gate = try products.project(x, "\(prefix)ffn_gate\(suffix)")
    let up = try products.project(x, "\(prefix)ffn_up\(suffix)")
    combine(gate, up, limit: limit)
    return try products.project(gate, "\(prefix)ffn_down\(suffix)")
  }

  /// Compares the shapes of the weights of these names.
  ///
  /// - Parameter parts: the experts of stacks; none for single weights.
  /// - Throws: `ModelError.data` for a weight that is missing or has another shape.
  package static func check(
    prefix: String, suffix: String = "", inputs: Int, parts: [Int] = [], _ weights: ModelWeights
  ) throws(ModelError) {
    let width = try weights.weight("\(prefix)ffn_gate\(suffix).weight").rowsPerPart
    for name in ["gate", "up"] {
      _ = try weights.weight(
        "\(prefix)ffn_\(name)\(suffix).weight", shape: parts + [width, inputs])
    }
    _ = try weights.weight("\(prefix)ffn_down\(suffix).weight", shape: parts + [inputs, width])
  }
}
