import QuernQuantization
import QuernTensors

/// Codes and scales of some rows, one number each.
struct IntegerTile {
  let storage: IntegerStorage
  let rowCount: Int
  let rowLength: Int
  /// [rows][rowLength]
  private(set) var codes: [Int8]
  /// [rows][groups]
  var scales: [Float]

  init(storage: IntegerStorage, rowCount: Int, rowLength: Int) {
    (self.storage, self.rowCount, self.rowLength) = (storage, rowCount, rowLength)
    codes = Array(repeating: 0, count: rowCount * rowLength)
    scales = Array(
      repeating: 1, count: rowCount * storage.groupsPerRow(rowLength: rowLength))
  }

  var groupsPerRow: Int { storage.groupsPerRow(rowLength: rowLength) }
  var groupElements: Int { storage.groupElements(rowLength: rowLength) }

  mutating func readCodes(_ bytes: UnsafeRawBufferPointer) {
    let (storage, length, rows) = (storage, rowLength, rowCount)
    codes.withUnsafeMutableBufferPointer { codes in
      switch storage.packing {
      case .bytes:
        for index in codes.indices { codes[index] = Int8(bitPattern: bytes[index]) }
      case .rowPairs:
        for index in 0..<rows / 2 * length {
          let (pair, column) = index.quotientAndRemainder(dividingBy: length)
          // The half that counts goes to the top, for its sign to come down with it.
          codes[2 * pair * length + column] = Int8(bitPattern: bytes[index] << 4) >> 4
          codes[(2 * pair + 1) * length + column] = Int8(bitPattern: bytes[index]) >> 4
        }
      case .words:
        for row in 0..<rows {
          for column in 0..<length {
            codes[row * length + column] = Int8(
              truncatingIfNeeded: ReferenceDecoder.code(
                storage, rowLength: length, bytes, row: row, column: column))
          }
        }
      }
    }
  }

  mutating func readScales(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) {
    for index in scales.indices { scales[index] = Self.number(bytes, type, at: index) }
  }

  /// A number of a plane of scales; I64 holds the bits of an F32 in its low half.
  static func number(_ bytes: UnsafeRawBufferPointer, _ type: ElementType, at index: Int) -> Float {
    switch type {
    case .bf16: BF16.decode(bytes.littleEndianUInt16(at: 2 * index))
    case .f16: F16.decode(bytes.littleEndianUInt16(at: 2 * index))
    case .i64: Float(bitPattern: bytes.littleEndianUInt32(at: 8 * index))
    default: Float(bitPattern: bytes.littleEndianUInt32(at: 4 * index))
    }
  }

  /// code · scale in float32, rounded once.
  func decode(into values: inout [Float]) {
    if values.count != codes.count { values = Array(repeating: 0, count: codes.count) }
    let (length, group, groups) = (rowLength, groupElements, groupsPerRow)
    values.withUnsafeMutableBufferPointer { values in
      codes.withUnsafeBufferPointer { codes in
        for row in 0..<rowCount {
          for start in stride(from: 0, to: length, by: group) {
            let scale = scales[row * groups + start / group]
            for index in row * length + start..<row * length + min(length, start + group) {
              values[index] = Float(codes[index]) * scale
            }
          }
        }
      }
    }
  }
}
