/// `npu_quant_matmul`: int8 activations by int8 weights.
///
/// The int32 sum takes an int32 bias first; then, in float32 with one rounding per operation: times the
/// scale of the output, times the scale of the token, plus a float bias; rounded once to the type of
/// the output.
package struct QuantMatmul: Sendable {
  /// Scales of the outputs: one for all, or one for each.
  package enum Scales: Sendable {
    /// Whole where there are scales of tokens or of each output. A single one without scales of tokens
    /// goes through the matrix unit, which truncates it to fp19.
    case floats([Float])
    /// Through the matrix unit: fp19. The offset is for outputs of int8 only.
    case parameters([TransQuantParam])

    var count: Int {
      switch self {
      case .floats(let scales): scales.count
      case .parameters(let parameters): parameters.count
      }
    }
  }

  package enum Bias: Sendable {
    case none
    case integers([Int32])
    case floats([Float])
  }

  package let weights: CodeMatrix
  package let scales: Scales
  package let bias: Bias

  /// - Throws: `KernelError.count` for scales or a bias that do not fit the outputs.
  package init(weights: CodeMatrix, scales: Scales, bias: Bias = .none) throws(KernelError) {
    if scales.count != 1 {
      try KernelError.check("scales", scales.count, expected: weights.rowCount)
    }
    switch bias {
    case .none: break
    case .integers(let values):
      try KernelError.check("bias", values.count, expected: weights.rowCount)
    case .floats(let values):
      try KernelError.check("bias", values.count, expected: weights.rowCount)
    }
    (self.weights, self.scales, self.bias) = (weights, scales, bias)
  }

  /// - Parameter tokenScales: one for each token, or nil where activations have a static scale, which
  ///   is part of the outputs' then.
  /// - Throws: `KernelError` for shapes that do not fit.
  package func multiply(
    _ x: CodeMatrix, tokenScales: [Float]?, output: HalfType, using products: some MatrixProducts
  ) throws(KernelError) -> FloatMatrix {
    let sums = try sums(x, products)
    if let tokenScales {
      try KernelError.check("token scales", tokenScales.count, expected: x.rowCount)
    }
    let scales = outputScales(perToken: tokenScales != nil)
    var out = FloatMatrix(x.rowCount, weights.rowCount)
    for token in 0..<x.rowCount {
      for column in 0..<weights.rowCount {
        let index = token * weights.rowCount + column
        var value = Float(sums[index]) * scales[column]
        if let tokenScales { value *= tokenScales[token] }
        if case .floats(let bias) = bias { value += bias[column] }
        out.values[index] = output.rounded(value)
      }
    }
    return out
  }

  /// Outputs of int8: the sum by the scale, rounded to even and within nine bits, plus the offset,
  /// within eight.
  ///
  /// - Throws: `KernelError` for shapes that do not fit.
  package func requantize(_ x: CodeMatrix, using products: some MatrixProducts)
    throws(KernelError) -> CodeMatrix
  {
    let sums = try sums(x, products)
    let scales = outputScales(perToken: false)
    var out = CodeMatrix(x.rowCount, weights.rowCount)
    for index in sums.indices {
      let column = index % weights.rowCount
      let scaled = (Float(sums[index]) * scales[column]).rounded(.toNearestOrEven)
      out.codes[index] = Int8(clamping: Int(max(-256, min(255, scaled))) + offset(column))
    }
    return out
  }

  private func sums(_ x: CodeMatrix, _ products: some MatrixProducts) throws(KernelError)
    -> [Int32]
  {
    guard x.columnCount == weights.columnCount else {
      throw .inputs(found: x.columnCount, expected: weights.columnCount)
    }
    var sums = products.integers(x, weights, columns: 0..<x.columnCount)
    if case .integers(let bias) = bias {
      for index in sums.indices { sums[index] &+= bias[index % weights.rowCount] }
    }
    return sums
  }

  private func outputScales(perToken: Bool) -> [Float] {
    var all =
      switch scales {
      case .floats(let scales):
        scales.count == 1 && !perToken ? scales.map(FP19.truncated) : scales
      case .parameters(let parameters): parameters.map(\.scale)
      }
    if all.count == 1 { all = [Float](repeating: all[0], count: weights.rowCount) }
    return all
  }

  private func offset(_ column: Int) -> Int {
    guard case .parameters(let parameters) = scales else { return 0 }
    return parameters[parameters.count == 1 ? 0 : column].offset
  }
}
