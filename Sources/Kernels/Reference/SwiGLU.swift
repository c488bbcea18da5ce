/// The end of the fused kernels: gate and up become silu(gate) · up, then int8 with a scale for each
/// token.
package enum SwiGLU {
  /// How a token is brought to ±127.
  package enum Scaling: Sendable {
    /// y / scale, as the fused kernel of int8 weights does.
    case division
    /// y · (1 / scale), as that of int4 weights does.
    case inverse
  }

  /// silu(g) · u. Where `limit` is above 0, g is at most that and u within ±limit.
  ///
  /// silu is taken in float64 and rounded once; the hardware's float32 can be off by some last places.
  package static func value(gate: Float, up: Float, limit: Float = 0) -> Float {
    let gate = limit > 0 ? min(gate, limit) : gate
    let up = limit > 0 ? max(min(up, limit), -limit) : up
    let silu = Double(gate) / (1 + Exponential.of(-Double(gate)))
    return Float(silu) * up
  }

  /// In float32: scale = largest magnitude / 127, code = y over the scale, rounded to F16, then to an
  /// integer, both to even. A token of zeros, or one whose inverse is infinite, has the scale and codes
  /// 0, where the hardware is not defined.
  ///
  /// - Throws: `KernelError` for shapes that differ and for values that are not finite.
  package static func quantize(
    gate: FloatMatrix, up: FloatMatrix, limit: Float = 0, scaling: Scaling
  ) throws(KernelError) -> QuantizedActivations {
    try KernelError.check("up", up.values.count, expected: gate.values.count)
    let width = gate.columnCount
    var result = QuantizedActivations(tokens: gate.rowCount, width: width)
    for token in 0..<gate.rowCount {
      let first = token * width
      let row = (first..<first + width).map {
        value(gate: gate.values[$0], up: up.values[$0], limit: limit)
      }
      if let bad = row.firstIndex(where: { !$0.isFinite }) { throw .nonFinite(index: first + bad) }
      let scale = row.reduce(0) { max($0, $1.magnitude) } / 127
      let inverse = 1 / scale
      guard inverse.isFinite else { continue }
      result.scales[token] = scale
      for index in row.indices {
        let scaled = scaling == .division ? row[index] / scale : row[index] * inverse
        result.codes.codes[first + index] = DynamicQuantization.code(HalfType.f16.rounded(scaled))
      }
    }
    return result
  }
}
