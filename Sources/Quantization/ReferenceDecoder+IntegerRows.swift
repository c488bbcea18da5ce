import QuernTensors

extension ReferenceDecoder {
  /// Decodes one row, of those that share bytes the one at `place`: code · scale in float32.
  ///
  /// - Parameters:
  ///   - codeBytes: the packed codes of one granule of rows.
  ///   - scales: those of the row.
  package static func decodeRow(
    storage: IntegerStorage, codeBytes: UnsafeRawBufferPointer, place: Int,
    scales: UnsafeBufferPointer<Float>, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let rowLength = values.count
    precondition(scales.count == storage.groupsPerRow(rowLength: rowLength))
    precondition(
      codeBytes.count == storage.codeByteCount(rows: storage.rowGranule, rowLength: rowLength))
    let group = storage.groupElements(rowLength: rowLength)
    for column in values.indices {
      let code = code(storage, rowLength: rowLength, codeBytes, row: place, column: column)
      values[column] = Float(code) * scales[column / group]
    }
  }
}
