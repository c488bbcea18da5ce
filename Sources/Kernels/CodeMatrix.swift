/// Integer codes in rows: activations [tokens, inputs], or weights [outputs, inputs] in the order of
/// their file.
package struct CodeMatrix: Equatable, Sendable {
  package let rowCount: Int
  package let columnCount: Int
  /// Row by row.
  package var codes: [Int8]

  /// - Throws: `KernelError.count` unless there is a code for each element.
  package init(rows: Int, columns: Int, codes: [Int8]) throws(KernelError) {
    try KernelError.check("codes", codes.count, expected: rows, times: columns)
    (rowCount, columnCount, self.codes) = (rows, columns, codes)
  }

  init(_ rows: Int, _ columns: Int) {
    (rowCount, columnCount) = (rows, columns)
    codes = [Int8](repeating: 0, count: rows * columns)
  }

  /// Some of the rows.
  func rows(_ range: Range<Int>) -> CodeMatrix {
    var part = CodeMatrix(range.count, columnCount)
    part.codes = Array(codes[range.lowerBound * columnCount..<range.upperBound * columnCount])
    return part
  }
}
