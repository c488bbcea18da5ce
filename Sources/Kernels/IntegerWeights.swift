/// Rows of a weight of integers with what each of the kernels takes of it.
package struct IntegerWeights: Sendable {
  /// [outputs, inputs]
  package var codes: CodeMatrix
  /// [outputs, groups]
  package var scales: [Float]
  /// Inputs of a group, nil where a scale is for all.
  package var groupElements: Int?
  /// Whether the W4A8 kernel takes them.
  package var isSplit = false
  /// `deq_scale`: the scale of the activations times that of the output.
  package var productScales: [Float] = []
  /// `quant_bias`; nil where there is none.
  package var biases: [Int32]?
  /// `scale_bias`: for each output one sum or more, of equal runs of its row.
  package var corrections: [Float] = []

  package init(codes: CodeMatrix, scales: [Float], groupElements: Int? = nil) {
    (self.codes, self.scales, self.groupElements) = (codes, scales, groupElements)
  }

  /// Scales as vllm-ascend keeps them: in parameters of the model's type.
  var parameterScales: [Float] { scales.map(HalfType.bf16.rounded) }

  /// The weights of the W4A8 kernel; of one rank, which takes its share of the correction's columns.
  ///
  /// - Throws: `KernelError` for corrections that are not as many for each output, and codes that are
  ///   not int4.
  package func split(rank: Int = 0, of ranks: Int = 1) throws(KernelError) -> W4A8Weights {
    let rows = codes.rowCount
    let runs = max(1, corrections.count / max(1, rows))
    try KernelError.check("scale_bias", corrections.count, expected: rows, times: runs)
    let share = max(1, runs / ranks)
    var biases: [Float] = []
    for row in 0..<rows {
      let first = row * runs + min(runs - share, rank * share)
      biases += corrections[first..<first + share]
    }
    return try W4A8Weights(codes: codes, scales: scales, scaleBias: biases)
  }
}
