/// Float32 numbers in rows.
package struct FloatMatrix: Equatable, Sendable {
  package let rowCount: Int
  package let columnCount: Int
  /// Row by row.
  package var values: [Float]

  /// - Throws: `KernelError.count` unless there is a value for each element.
  package init(rows: Int, columns: Int, values: [Float]) throws(KernelError) {
    try KernelError.check("values", values.count, expected: rows, times: columns)
    (rowCount, columnCount, self.values) = (rows, columns, values)
  }

  init(_ rows: Int, _ columns: Int) {
    (rowCount, columnCount) = (rows, columns)
    values = [Float](repeating: 0, count: rows * columns)
  }

  /// Every value rounded once to the type that the kernel stores.
  package func rounded(to type: HalfType) -> FloatMatrix {
    var result = self
    for index in result.values.indices { result.values[index] = type.rounded(values[index]) }
    return result
  }
}
