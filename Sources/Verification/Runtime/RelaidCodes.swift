import QuernConversion
import QuernQuantization

/// Codes that are stored a second time in FRACTAL_NZ, as the matrix [columns, rows].
///
/// Of a matrix [H, W] the element (h, w) is at ((w / C0) · ⌈H/16⌉ + h / 16) · 16 · C0 + (h mod 16) · C0
/// + w mod C0, with C0 = 32 elements of int8 or 64 of int4; what is not an element is 0. Chunks have
/// whole strips of C0 rows, but for the last.
struct RelaidCodes {
  private let stored: StoredRows
  private let part: StoredPart
  private let bytes: [UInt8]

  /// Nil where codes are stored once.
  init?(_ stored: StoredRows) {
    guard let relaid = stored.relaid else { return nil }
    (self.stored, part, bytes) = (stored, relaid.part, relaid.bytes)
  }

  private var columns: Int { stored.tensor.rowLength }
  private var isFour: Bool { stored.storage.bits == .four }

  /// Every code is where it belongs, and there is nothing else.
  func check(_ finding: inout IntegerFinding) {
    let count = stored.rows.count
    let codes = stored.tile(0..<count).codes
    let (width, blocks) = (isFour ? 64 : 32, (columns + 15) / 16)
    var expected = [UInt8](repeating: 0, count: bytes.count)
    for row in 0..<count {
      for column in 0..<columns {
        let place =
          ((row / width) * blocks + column / 16) * 16 * width + column % 16 * width + row % width
        let code = UInt8(bitPattern: codes[row * columns + column])
        guard place / (isFour ? 2 : 1) < expected.count else { continue }
        if isFour {
          expected[place / 2] |= place % 2 == 0 ? code & 15 : code << 4
        } else {
          expected[place] = code
        }
      }
    }
    guard let place = zip(expected, bytes).enumerated().first(where: { $1.0 != $1.1 })?.offset
    else { return }
    finding.report(
      .init(
        name: part.name, row: stored.rows.lowerBound,
        found: "\(bytes[place]) in byte \(place) of its strip of FRACTAL_NZ",
        expected: "\(expected[place])"))
  }
}
