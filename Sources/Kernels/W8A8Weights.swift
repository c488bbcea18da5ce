/// The weights of one expert for the W8A8 kernels.
package struct W8A8Weights: Equatable, Sendable {
  /// [outputs, inputs]
  package let codes: CodeMatrix
  /// One for each output.
  package let scales: [Float]

  /// - Throws: `KernelError.count` unless there is a scale for each output.
  package init(codes: CodeMatrix, scales: [Float]) throws(KernelError) {
    try KernelError.check("scales", scales.count, expected: codes.rowCount)
    (self.codes, self.scales) = (codes, scales)
  }
}
