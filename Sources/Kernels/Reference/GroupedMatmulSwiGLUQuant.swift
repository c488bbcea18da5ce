/// `grouped_matmul_swiglu_quant`: the first two matrices of an expert, SwiGLU and the quantization of
/// what goes into the third, in one kernel.
///
/// The kernel has gate and up as one matrix, gate first; here they are two.
package enum GroupedMatmulSwiGLUQuant {
  /// int8 weights: in float32 the int32 sum times the scale of the token, then that of the output.
  ///
  /// - Throws: `KernelError` for shapes that do not fit and results that are not finite.
  package static func multiply(
    _ x: QuantizedActivations, gate: W8A8Weights, up: W8A8Weights, limit: Float = 0,
    using products: some MatrixProducts
  ) throws(KernelError) -> QuantizedActivations {
    try SwiGLU.quantize(
      gate: product(x, gate, products), up: product(x, up, products), limit: limit,
      scaling: .division)
  }

  /// int4 weights: by `GroupedMatmulW4A8`.
  ///
  /// - Throws: `KernelError` for shapes that do not fit and results that are not finite.
  package static func multiply(
    _ x: QuantizedActivations, gate: W4A8Weights, up: W4A8Weights, limit: Float = 0,
    using products: some MatrixProducts
  ) throws(KernelError) -> QuantizedActivations {
    try SwiGLU.quantize(
      gate: GroupedMatmulW4A8.multiply(x, gate, using: products),
      up: GroupedMatmulW4A8.multiply(x, up, using: products), limit: limit, scaling: .inverse)
  }

  private static func product(
    _ x: QuantizedActivations, _ weights: W8A8Weights, _ products: some MatrixProducts
  ) throws(KernelError) -> FloatMatrix {
    guard x.codes.columnCount == weights.codes.columnCount else {
      throw .inputs(found: x.codes.columnCount, expected: weights.codes.columnCount)
    }
    let sums = products.integers(x.codes, weights.codes, columns: 0..<x.codes.columnCount)
    var out = FloatMatrix(x.codes.rowCount, weights.codes.rowCount)
    for index in sums.indices {
      let (token, output) = index.quotientAndRemainder(dividingBy: out.columnCount)
      out.values[index] = Float(sums[index]) * x.scales[token] * weights.scales[output]
    }
    return out
  }
}
