/// The weights of one expert for the W4A8 kernels.
package struct W4A8Weights: Equatable, Sendable {
  /// −8 … 7, [outputs, inputs].
  package let codes: CodeMatrix
  /// [outputs, groups], row by row; a group is a run of inputs.
  package let scales: [Float]
  package let groupCount: Int
  /// For each output 8 · Σ code · scale: what the split of the activations leaves out.
  package let scaleBias: [Float]

  /// - Parameter scaleBias: one or more columns for each output, as files have them: [outputs, 1] or
  ///   [outputs, 16]. They are added in ascending order.
  /// - Throws: `KernelError` for codes that are not int4 and for shapes that do not fit.
  package init(codes: CodeMatrix, scales: [Float], groups: Int = 1, scaleBias: [Float])
    throws(KernelError)
  {
    guard groups > 0, codes.columnCount % groups == 0 else {
      throw .groups(inputs: codes.columnCount, groups: groups)
    }
    try KernelError.check("scales", scales.count, expected: codes.rowCount, times: groups)
    if let index = Self.firstBeyondInt4(codes.codes) {
      throw .code(index: index, found: codes.codes[index])
    }
    let columns = max(1, scaleBias.count / max(1, codes.rowCount))
    try KernelError.check("scale_bias", scaleBias.count, expected: codes.rowCount, times: columns)
    (self.codes, self.scales, groupCount) = (codes, scales, groups)
    self.scaleBias = (0..<codes.rowCount).map { row in
      scaleBias[row * columns..<(row + 1) * columns].reduce(0, +)
    }
  }

  /// All bits are gathered first, which compilers make sixteen at once of: a search stops at each.
  private static func firstBeyondInt4(_ codes: [Int8]) -> Int? {
    let upper = codes.reduce(0 as UInt8) { $0 | UInt8(bitPattern: $1 &+ 8) & 0xF0 }
    return upper == 0 ? nil : codes.firstIndex { $0 < -8 || $0 > 7 }
  }
}
