/// FRACTAL_NZ, the order in which Ascend NPUs keep matrices: blocks of 16 rows and 32 bytes, the blocks
/// of a column of blocks one below the other. See `formats/ascend/fractal-nz`.
///
/// ND [matrices, rows, columns] is stored as [matrices, ⌈columns/C0⌉, ⌈rows/16⌉, 16, C0], C0 being the
/// elements of 32 bytes, filled up with zeros at the end of both axes.
package struct FractalNZ: Hashable, Sendable {
  /// What matrices consist of, by its size.
  package enum Element: String, CaseIterable, Sendable {
    /// Two to a byte along a row, the first in the low half.
    case int4
    case int8
    /// F16 or BF16.
    case half

    package var bitCount: Int {
      switch self {
      case .int4: 4
      case .int8: 8
      case .half: 16
      }
    }

    /// Elements of a row of a block.
    package var c0: Int { 256 / bitCount }
  }

  /// aclFormat of FRACTAL_NZ, and of the order it is made from.
  package static let aclFormat = 29
  package static let ndACLFormat = 2
  package static let blockRows = 16
  package static let stripByteCount = 32
  /// Bytes of a block: 16 rows of 32 bytes.
  package static let blockByteCount = 512

  package let element: Element
  package let matrixCount: Int
  package let rowCount: Int
  package let columnCount: Int

  /// Bytes of a row before the relayout.
  package let rowByteCount: Int
  /// Columns of blocks, `W1`, and rows of blocks, `H1`.
  package let stripCount: Int
  package let rowBlockCount: Int
  /// Bytes of a column of blocks, of a matrix, and of all of them.
  package let stripStride: Int
  package let matrixByteCount: Int
  package let byteCount: Int

  /// - Throws: `LayoutError` for an odd number of columns of int4, and for sizes that are not positive
  ///   or do not fit.
  package init(_ element: Element, rows: Int, columns: Int, matrices: Int = 1) throws(LayoutError) {
    guard rows > 0, columns > 0, matrices > 0 else {
      throw .size(rows: rows, columns: columns, matrices: matrices)
    }
    if element == .int4, columns % 2 != 0 { throw .oddColumns(columns) }
    let rowBlockCount = rows / Self.blockRows + (rows % Self.blockRows == 0 ? 0 : 1)
    let stripCount = columns / element.c0 + (columns % element.c0 == 0 ? 0 : 1)
    let (stride, first) = rowBlockCount.multipliedReportingOverflow(by: Self.blockByteCount)
    let (matrix, second) = stride.multipliedReportingOverflow(by: stripCount)
    let (all, third) = matrix.multipliedReportingOverflow(by: matrices)
    guard !first, !second, !third else {
      throw .size(rows: rows, columns: columns, matrices: matrices)
    }
    self.element = element
    (matrixCount, rowCount, columnCount) = (matrices, rows, columns)
    // No larger than the bytes of a padded row, which fit.
    rowByteCount = element == .half ? 2 * columns : element == .int8 ? columns : columns / 2
    (self.rowBlockCount, self.stripCount) = (rowBlockCount, stripCount)
    (stripStride, matrixByteCount, byteCount) = (stride, matrix, all)
  }

  /// The stored dimensions of one matrix: [W1, H1, 16, C0].
  package var shape: [Int] { [stripCount, rowBlockCount, Self.blockRows, element.c0] }

  /// Bytes of one matrix before the relayout.
  package var sourceByteCount: Int { rowCount * rowByteCount }

  /// Where an element of a matrix is, in elements from the beginning of the matrix.
  package func offset(row: Int, column: Int) -> Int {
    let (strip, inner) = column.quotientAndRemainder(dividingBy: element.c0)
    let (block, within) = row.quotientAndRemainder(dividingBy: Self.blockRows)
    return ((strip * rowBlockCount + block) * Self.blockRows + within) * element.c0 + inner
  }

  /// The element at an offset, nil for padding: the inverse, from its own formula.
  package func position(at offset: Int) -> (row: Int, column: Int)? {
    let inner = offset % element.c0
    let paddedRow = offset / element.c0
    let row = paddedRow % (rowBlockCount * Self.blockRows)
    let column = paddedRow / (rowBlockCount * Self.blockRows) * element.c0 + inner
    return row < rowCount && column < columnCount ? (row, column) : nil
  }
}
