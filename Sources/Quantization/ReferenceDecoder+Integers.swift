import QuernTensors

/// Codes and scales in tensors of their own, as `IntegerStorage` says.
extension ReferenceDecoder {
  /// Decodes whole rows: code · scale in float32, rounded once.
  ///
  /// - Parameters:
  ///   - codeBytes: the packed codes of a whole number of the storage's granules of rows.
  ///   - scales: [rows][groupsPerRow].
  ///   - values: [rows][rowLength].
  package static func decode(
    storage: IntegerStorage, rowLength: Int, codeBytes: UnsafeRawBufferPointer,
    scales: UnsafeBufferPointer<Float>, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(rowLength > 0 && values.count % rowLength == 0)
    let rows = values.count / rowLength
    precondition(rows % storage.rowGranule == 0)
    precondition(codeBytes.count == storage.codeByteCount(rows: rows, rowLength: rowLength))
    let groups = storage.groupsPerRow(rowLength: rowLength)
    precondition(scales.count == rows * groups)
    let group = storage.groupElements(rowLength: rowLength)
    for row in 0..<rows {
      for column in 0..<rowLength {
        let code = code(storage, rowLength: rowLength, codeBytes, row: row, column: column)
        values[row * rowLength + column] = Float(code) * scales[row * groups + column / group]
      }
    }
  }

  /// One code of packed rows.
  package static func code(
    _ storage: IntegerStorage, rowLength: Int, _ bytes: UnsafeRawBufferPointer, row: Int,
    column: Int
  ) -> Int {
    let bits = storage.bits.rawValue
    switch storage.packing {
    case .bytes: return Int(Int8(bitPattern: bytes[row * rowLength + column]))
    case .rowPairs:
      let byte = bytes[row / 2 * rowLength + column]
      let nibble = Int(row % 2 == 0 ? byte % 16 : byte / 16)
      return nibble < 8 ? nibble : nibble - 16
    case .words:
      let (perWord, rowWords) = (32 / bits, (rowLength * bits + 31) / 32)
      let word = bytes.littleEndianUInt32(at: 4 * (row * rowWords + column / perWord))
      let field = Int(word >> UInt32(column % perWord * bits)) % (1 << bits)
      return field - (1 << (bits - 1))
    }
  }
}
