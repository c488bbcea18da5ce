/// Activations as the kernel of integer weights takes them, rounded once for all weights.
///
/// | weights | activations | kernel |
/// |---|---|---|
/// | eight bits | each token with a scale of its own | `npu_quant_matmul`, scales as BF16 parameters |
/// | eight bits | one fixed scale | `npu_quant_matmul` with `deq_scale` and `quant_bias` |
/// | four bits in pairs of rows | each token with a scale of its own | the W4A8 grouped matmul with `scale_bias` |
/// | any | BF16 | `npu_weight_quant_batchmatmul` |
package enum IntegerInputs: Sendable {
  case dynamic(QuantizedActivations)
  case fixed(CodeMatrix)
  /// Numbers of BF16.
  case floats(FloatMatrix)

  /// Activations with a fixed scale: x / scale, rounded to even, plus the offset, within int8.
  package static func fixed(_ values: FloatMatrix, scale: Float, offset: Int)
    throws(KernelError) -> IntegerInputs
  {
    if let bad = values.values.firstIndex(where: { !$0.isFinite }) { throw .nonFinite(index: bad) }
    let codes = values.values.map { value in
      let place = (value / scale).rounded(.toNearestOrEven) + Float(offset)
      return Int8(max(-128, min(127, place)))
    }
    return .fixed(
      try CodeMatrix(rows: values.rowCount, columns: values.columnCount, codes: codes))
  }

  /// The product in BF16, as layers get it: [tokens, outputs].
  ///
  /// - Throws: `KernelError` for weights that the kernel does not take.
  package func multiply(_ weights: IntegerWeights, using products: some MatrixProducts)
    throws(KernelError) -> FloatMatrix
  {
    switch self {
    case .dynamic(let inputs) where weights.isSplit:
      return try GroupedMatmulW4A8.multiply(inputs, weights.split(), using: products)
        .rounded(to: .bf16)
    case .dynamic(let inputs):
      let scales = weights.parameterScales
      // A single scale is every output's: alone it would be taken for one of the matrix unit.
      try KernelError.check("scales", scales.count, expected: weights.codes.rowCount)
      return try QuantMatmul(weights: weights.codes, scales: .floats(scales)).multiply(
        inputs.codes, tokenScales: inputs.scales, output: .bf16, using: products)
    case .fixed(let codes):
      return try QuantMatmul(
        weights: weights.codes, scales: .floats(weights.productScales),
        bias: weights.biases.map { .integers($0) } ?? .none
      ).multiply(codes, tokenScales: nil, output: .bf16, using: products)
    case .floats(let values):
      return try WeightQuantBatchMatmul(
        codes: weights.codes, scales: weights.scales, groupElements: weights.groupElements
      ).multiply(values, type: .bf16, using: products)
    }
  }
}
