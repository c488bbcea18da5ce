import QuernTestSupport

@testable import QuernLayouts

/// Random matrices as rows, as rows of their transposes and in FRACTAL_NZ, each written half byte by
/// half byte from the formula.
struct NibbleMatrices {
  private(set) var byRows: [UInt8]
  private(set) var byColumns: [UInt8]
  private(set) var stored: [UInt8]

  init(_ layout: FractalNZ, seed: UInt64) {
    byRows = .init(repeating: 0, count: layout.matrixCount * layout.sourceByteCount)
    byColumns = byRows
    stored = .init(repeating: 0, count: layout.byteCount)
    var generator = SeededGenerator(seed: seed)
    let nibbles = layout.element.bitCount / 4
    for matrix in 0..<layout.matrixCount {
      for row in 0..<layout.rowCount {
        for column in 0..<layout.columnCount {
          let inRow = (matrix * layout.rowCount + row) * layout.columnCount + column
          // Two columns of int4 share a row of the transpose.
          let pair = layout.element == .int4 ? 2 : 1
          let line = matrix * layout.columnCount / pair + column / pair
          let inColumn = (line * layout.rowCount + row) * pair + column % pair
          let offset = layout.offset(row: row, column: column)
          let inNZ = matrix * layout.matrixByteCount * 8 / layout.element.bitCount + offset
          for nibble in 0..<nibbles {
            let value = UInt8.random(in: 0...15, using: &generator)
            Self.set(&byRows, inRow * nibbles + nibble, value)
            Self.set(&byColumns, inColumn * nibbles + nibble, value)
            Self.set(&stored, inNZ * nibbles + nibble, value)
          }
        }
      }
    }
  }

  private static func set(_ bytes: inout [UInt8], _ index: Int, _ value: UInt8) {
    bytes[index / 2] |= value << (index % 2 == 0 ? 0 : 4)
  }
}

/// The layout on arrays; outputs begin as what no relayout may leave.
extension FractalNZ {
  func relaid(_ input: [UInt8]) -> [UInt8] {
    Self.output(byteCount) { output in input.withUnsafeBytes { relay($0, into: output) } }
  }

  func relaidTransposed(_ input: [UInt8]) -> [UInt8] {
    Self.output(byteCount) { output in input.withUnsafeBytes { relayTransposed($0, into: output) } }
  }

  func relaidRun(_ rows: [UInt8]) -> [UInt8] {
    Self.output(stripCount * runByteCount(rows: rows.count / rowByteCount)) { output in
      rows.withUnsafeBytes { relayRun($0, into: output) }
    }
  }

  func relaidStrips(_ rows: [UInt8]) -> [UInt8] {
    let count = rows.count / transposedRowByteCount
    let strips = (count + stripSourceRows - 1) / stripSourceRows
    return Self.output(strips * stripStride) { output in
      rows.withUnsafeBytes { relayStrips($0, into: output) }
    }
  }

  func restored(_ input: [UInt8]) throws -> [UInt8] {
    try Self.output(matrixCount * sourceByteCount) { output in
      try input.withUnsafeBytes { try restore($0, into: output) }
    }
  }

  func restoredTransposed(_ input: [UInt8]) throws -> [UInt8] {
    try Self.output(matrixCount * sourceByteCount) { output in
      try input.withUnsafeBytes { try restoreTransposed($0, into: output) }
    }
  }

  private static func output(
    _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: count)
    try bytes.withUnsafeMutableBytes(body)
    return bytes
  }
}
