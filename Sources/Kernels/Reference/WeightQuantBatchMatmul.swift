/// `npu_weight_quant_batchmatmul`: activations of 16 bits by integer weights.
///
/// A weight becomes (code + offset) · scale in the type of the activations, rounded to it after the
/// addition and after the multiplication; the product is taken in float32, takes the bias there, and is
/// rounded once.
package struct WeightQuantBatchMatmul: Sendable {
  package let codes: CodeMatrix
  /// [outputs, groups], row by row; the last group may be a partial one.
  package let scales: [Float]
  /// As many as scales; nil where weights are symmetric. They are added, not subtracted.
  package let offsets: [Float]?
  /// Inputs of a group, nil where a scale is for all.
  package let groupElements: Int?
  package let bias: [Float]?

  /// - Throws: `KernelError` for counts that do not fit the codes.
  package init(
    codes: CodeMatrix, scales: [Float], offsets: [Float]? = nil, groupElements: Int? = nil,
    bias: [Float]? = nil
  ) throws(KernelError) {
    if let groupElements, groupElements <= 0 {
      throw .groups(inputs: codes.columnCount, groups: groupElements)
    }
    let group = groupElements ?? max(1, codes.columnCount)
    let groups = codes.columnCount / group + (codes.columnCount % group == 0 ? 0 : 1)
    try KernelError.check("scales", scales.count, expected: codes.rowCount, times: groups)
    if let offsets { try KernelError.check("offsets", offsets.count, expected: scales.count) }
    if let bias { try KernelError.check("bias", bias.count, expected: codes.rowCount) }
    (self.codes, self.scales, self.offsets) = (codes, scales, offsets)
    (self.groupElements, self.bias) = (groupElements, bias)
  }

  /// The weights as the kernel sees them.
  package func weights(in type: HalfType) -> FloatMatrix {
    var out = FloatMatrix(codes.rowCount, codes.columnCount)
    let groups = scales.count / max(1, codes.rowCount)
    for row in 0..<codes.rowCount {
      for column in 0..<codes.columnCount {
        let index = row * codes.columnCount + column
        let group = row * groups + (groupElements.map { column / $0 } ?? 0)
        var value = Float(codes.codes[index])
        if let offsets { value = type.rounded(value + type.rounded(offsets[group])) }
        out.values[index] = type.rounded(value * scales[group])
      }
    }
    return out
  }

  /// - Parameter type: that of the activations, of the weights in between and of the result.
  /// - Throws: `KernelError.inputs` for activations that do not fit the weights.
  package func multiply(_ x: FloatMatrix, type: HalfType, using products: some MatrixProducts)
    throws(KernelError) -> FloatMatrix
  {
    guard x.columnCount == codes.columnCount else {
      throw .inputs(found: x.columnCount, expected: codes.columnCount)
    }
    var out = products.floats(x.rounded(to: type), weights(in: type))
    if let bias {
      for index in out.values.indices { out.values[index] += bias[index % codes.rowCount] }
    }
    return out.rounded(to: type)
  }
}
