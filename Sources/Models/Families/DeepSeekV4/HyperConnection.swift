#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where a sublayer reads the residual streams X₀ … and writes to them, with weights that each token
/// makes for itself. DeepSeek-V4 (arXiv 2606.19348); with n streams of D channels, f = X as one row:
///
///     m    = (f · fnᵀ) · (mean(f²) + ε)^-½                 n + n + n² values: pre, post, comb
///     pre  = σ(m_pre · scale₀ + base_pre) + ε'
///     post = 2 σ(m_post · scale₁ + base_post)
///     C    = softmax over rows of (m_comb · scale₂ + base_comb), + ε'; then Sinkhorn: C /= column
///            sums + ε', and as many times as there are further steps C /= row sums + ε', C /= column
///            sums + ε'
///     y    = Σ pre_k X_k                                   what the sublayer takes
///     X'_k = post_k · out + Σ_j C[j, k] X_j                the sum is over the first index
struct HyperConnection: Sendable {
  private let name: String
  private let numbers: DeepSeekV4Numbers
  private let base: [Float]
  private let scale: [Float]

  /// - Parameter prefix: of the weights' names, as `blk.3.hc_attn_`.
  init(_ prefix: String, _ numbers: DeepSeekV4Numbers, _ products: Products) throws(ModelError) {
    let streams = numbers.streams
    name = prefix + "fn.weight"
    self.numbers = numbers
    base = try products.weights.values(prefix + "base.weight", shape: [(streams + 2) * streams])
    scale = try products.weights.values(prefix + "scale.weight", shape: [3])
  }

  /// pre, post and C of each row: [rows, n + n + n²].
  func mixes(_ stream: Activations, _ products: Products) throws(ModelError) -> Activations {
    let mixes = try products.multiply(stream, name)
    let epsilon = numbers.epsilon
    try products.workers.runRows(stream.rowCount) { rows in
      for row in rows {
        let factor = RMSNorm.factor(UnsafeBufferPointer(stream.row(row)), epsilon: epsilon)
        finish(mixes.row(row), factor: factor)
      }
    }
    return mixes
  }

  private func finish(_ m: UnsafeMutableBufferPointer<Float>, factor: Float) {
    let n = numbers.streams
    for k in m.indices {
      m[k] = m[k] * factor * scale[min(k / n, 2)] + base[k]
    }
    for k in 0..<n {
      m[k] = Self.sigmoid(m[k]) + numbers.streamEpsilon
      m[n + k] = 2 * Self.sigmoid(m[n + k])
    }
    let comb = UnsafeMutableBufferPointer(rebasing: m[2 * n..<2 * n + n * n])
    for j in 0..<n {
      let row = UnsafeMutableBufferPointer(rebasing: comb[j * n..<(j + 1) * n])
      Softmax.apply(row)
      for k in 0..<n { row[k] += numbers.streamEpsilon }
    }
    divide(comb, step: n)
    for _ in 1..<numbers.sinkhornSteps {
      divide(comb, step: 1)
      divide(comb, step: n)
    }
  }

  /// Divides rows (their values one apart) or columns (a row apart) by their sums + ε'.
  private func divide(_ comb: UnsafeMutableBufferPointer<Float>, step: Int) {
    let n = numbers.streams
    for line in 0..<n {
      let first = step == 1 ? line * n : line
      var sum: Float = 0
      for k in 0..<n { sum += comb[first + k * step] }
      for k in 0..<n { comb[first + k * step] /= sum + numbers.streamEpsilon }
    }
  }

  /// Σ pre_k X_k: [rows, D].
  func read(_ stream: Activations, _ mixes: Activations, _ workers: Workers) throws(ModelError)
    -> Activations
  {
    try Self.weighted(stream, mixes, width: numbers.hidden, workers)
  }

  /// Replaces X_k by post_k · out + Σ_j C[j, k] X_j.
  func write(
    _ out: Activations, _ mixes: Activations, to stream: Activations, _ workers: Workers
  ) throws(ModelError) {
    let (n, width) = (numbers.streams, numbers.hidden)
    try workers.runRows(stream.rowCount) { rows in
      let old = Activations(rows: 1, width: stream.width)
      defer { withExtendedLifetime(old) {} }
      for row in rows {
        let (m, values, added) = (mixes.row(row), stream.row(row), out.row(row))
        _ = old.values.update(fromContentsOf: values)
        for k in 0..<n {
          let target = UnsafeMutableBufferPointer(rebasing: values[k * width..<(k + 1) * width])
          for column in 0..<width { target[column] = m[n + k] * added[column] }
          for j in 0..<n {
            let factor = m[2 * n + j * n + k]
            let source = UnsafeMutableBufferPointer(
              rebasing: old.values[j * width..<(j + 1) * width])
            for column in 0..<width { target[column] += factor * source[column] }
          }
        }
      }
    }
  }

  /// What is left of the streams at the end, with parameters of its own: y = Σ pre_k X_k,
  /// pre = σ(m · scale + base) + ε'.
  ///
  /// - Returns: [rows, D].
  static func head(_ stream: Activations, _ numbers: DeepSeekV4Numbers, _ products: Products)
    throws(ModelError) -> Activations
  {
    let base = try products.weights.values("output_hc_base.weight", shape: [numbers.streams])
    let scale = try products.weights.values("output_hc_scale.weight", shape: [1])
    let mixes = try products.multiply(stream, "output_hc_fn.weight")
    try products.workers.runRows(stream.rowCount) { rows in
      for row in rows {
        let factor = RMSNorm.factor(
          UnsafeBufferPointer(stream.row(row)), epsilon: numbers.epsilon)
        let m = mixes.row(row)
        for k in m.indices {
          m[k] = sigmoid(m[k] * factor * scale[0] + base[k]) + numbers.streamEpsilon
        }
      }
    }
    return try weighted(stream, mixes, width: numbers.hidden, products.workers)
  }

  /// Σ m_k X_k over the streams, m the first values of a row of `mixes`.
  private static func weighted(
    _ stream: Activations, _ mixes: Activations, width: Int, _ workers: Workers
  ) throws(ModelError) -> Activations {
    let out = Activations(rows: stream.rowCount, width: width)
    try workers.runRows(stream.rowCount) { rows in
      for row in rows {
        let (m, values, target) = (mixes.row(row), stream.row(row), out.row(row))
        for k in 0..<stream.width / width {
          let source = UnsafeMutableBufferPointer(rebasing: values[k * width..<(k + 1) * width])
          let factor = m[k]
          for column in 0..<width { target[column] += factor * source[column] }
        }
      }
    }
    return out
  }

  private static func sigmoid(_ x: Float) -> Float { 1 / (1 + expf(-x)) }
}
