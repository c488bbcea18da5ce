import QuernConversion
import QuernQuantization
import QuernTensors

/// One stored tensor of a checked one, and where its bytes are.
struct CheckedPart: Sendable {
  let stored: StoredPart
  /// Position among the files of the sweep.
  var file: Int
  let offset: Int

  init(_ stored: StoredPart, file: Int, offset: Int) {
    (self.stored, self.file, self.offset) = (stored, file, offset)
  }

  /// The only part of a tensor of numbers or blocks.
  static func numbers(_ format: NumberFormat, _ shape: Shape, file: Int, offset: Int)
    -> CheckedPart
  {
    let stored = StoredPart(
      name: "", elementType: nil, shape: shape, content: .values, rowCount: shape.rowCount,
      unitByteCount: format.byteCount(elements: shape.rowLength) ?? 0)
    return CheckedPart(stored, file: file, offset: offset)
  }
}
