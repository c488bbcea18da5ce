/// Activations as integers with a scale for each token: value = code · scale.
package struct QuantizedActivations: Equatable, Sendable {
  package var codes: CodeMatrix
  package var scales: [Float]

  /// - Throws: `KernelError.count` unless there is a scale for each token.
  package init(codes: CodeMatrix, scales: [Float]) throws(KernelError) {
    try KernelError.check("token scales", scales.count, expected: codes.rowCount)
    (self.codes, self.scales) = (codes, scales)
  }

  init(tokens: Int, width: Int) {
    codes = CodeMatrix(tokens, width)
    scales = [Float](repeating: 0, count: tokens)
  }

  /// Some of the tokens.
  func tokens(_ range: Range<Int>) -> QuantizedActivations {
    var part = QuantizedActivations(tokens: 0, width: 0)
    part.codes = codes.rows(range)
    part.scales = Array(scales[range])
    return part
  }
}
