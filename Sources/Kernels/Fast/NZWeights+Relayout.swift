import QuernLayouts

/// Weights in FRACTAL_NZ to and from the rows of their files, all at once.
extension NZWeights {
  /// What the consumer makes of the bytes of a file: [outputs, inputs], of int4 in pairs of rows.
  ///
  /// - Throws: `KernelError.count` unless the bytes are those of all matrices.
  package init(layout: FractalNZ, relaying rows: [UInt8]) throws(KernelError) {
    try KernelError.check(
      "weights", rows.count, expected: layout.matrixCount * layout.transposedRowCount,
      times: layout.transposedRowByteCount)
    let stored = [UInt8](unsafeUninitializedCapacity: layout.byteCount) { stored, count in
      rows.withUnsafeBytes {
        layout.relayTransposed($0, into: UnsafeMutableRawBufferPointer(stored))
      }
      count = layout.byteCount
    }
    try self.init(layout: layout, bytes: stored)
  }

  /// The codes of each matrix, as `codes(matrix:)` reads them one by one.
  ///
  /// - Throws: `LayoutError.padding` where padding is not zero.
  package func allCodes() throws(LayoutError) -> [CodeMatrix] {
    var rows = [UInt8](
      repeating: 0,
      count: layout.matrixCount * layout.transposedRowCount * layout.transposedRowByteCount)
    let failure = bytes.withUnsafeBytes { bytes in
      rows.withUnsafeMutableBytes { rows -> LayoutError? in
        do throws(LayoutError) {
          try layout.restoreTransposed(bytes, into: rows)
          return nil
        } catch {
          return error
        }
      }
    }
    if let failure { throw failure }
    let count = rows.count / layout.matrixCount
    return (0..<layout.matrixCount).compactMap { matrix in
      let part = Array(rows[matrix * count..<(matrix + 1) * count])
      let (outputs, inputs) = (layout.columnCount, layout.rowCount)
      return layout.element == .int4
        ? try? CodeMatrix(rowPairs: part, outputs: outputs, inputs: inputs)
        : try? CodeMatrix(
          rows: outputs, columns: inputs, codes: part.map { Int8(bitPattern: $0) })
    }
  }
}
