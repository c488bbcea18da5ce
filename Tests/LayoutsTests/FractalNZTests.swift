import Foundation
import QuernTestSupport
import Testing

@testable import QuernLayouts

@Suite struct FractalNZTests {
  /// `formats/ascend/fractal-nz/spec.json`.
  private struct Spec: Decodable {
    struct Example: Decodable {
      let element: String
      let rows: Int
      let columns: Int
      let shape: [Int]
      let byteCount: Int
      let offsets: [[Int]]
    }
    let aclFormat: Int
    let ndACLFormat: Int
    let c0: [String: Int]
    let examples: [Example]
  }

  static let sizes = [
    (1, 2), (3, 40), (15, 16), (16, 64), (17, 130), (40, 100), (64, 64), (70, 34),
  ]

  @Test("the examples run")
  func examples() throws {
    let data = try Data(contentsOf: TestData.format("ascend/fractal-nz/spec.json"))
    let spec = try JSONDecoder().decode(Spec.self, from: data)
    #expect(spec.aclFormat == FractalNZ.aclFormat && spec.ndACLFormat == FractalNZ.ndACLFormat)
    #expect(
      spec.c0
        == .init(uniqueKeysWithValues: FractalNZ.Element.allCases.map { ($0.rawValue, $0.c0) }))
    for example in spec.examples {
      let element = try #require(FractalNZ.Element(rawValue: example.element))
      let layout = try FractalNZ(element, rows: example.rows, columns: example.columns)
      #expect(layout.shape == example.shape && layout.byteCount == example.byteCount)
      for entry in example.offsets {
        #expect(layout.offset(row: entry[0], column: entry[1]) == entry[2])
        let position = try #require(layout.position(at: entry[2]))
        #expect([position.row, position.column] == Array(entry[0...1]))
      }
    }
  }

  @Test("whole matrices are those of the operator's own model")
  func golden() throws {
    let file = try SafetensorsFixture("ascend/vectors.safetensors")
    let names = ["1x1", "16x32", "17x33", "33x5", "40x100", "64x64", "128x96"]
    for (kind, element) in [("i8", FractalNZ.Element.int8), ("i16", .half)] {
      for name in names {
        let sides = try name.split(separator: "x").map { try #require(Int($0)) }
        let layout = try FractalNZ(element, rows: sides[0], columns: sides[1])
        let (nd, nz) = (
          try file.bytes("nz.\(kind).\(name).nd"), try file.bytes("nz.\(kind).\(name).nz")
        )
        #expect(layout.relaid(nd) == nz, "\(kind) \(name)")
        #expect(try layout.restored(nz) == nd, "\(kind) \(name)")
      }
    }
  }

  @Test("offsets are a bijection onto what is not padding", arguments: FractalNZ.Element.allCases)
  func bijection(element: FractalNZ.Element) throws {
    for (rows, columns) in Self.sizes {
      let layout = try FractalNZ(element, rows: rows, columns: columns)
      var seen = Set<Int>()
      for row in 0..<rows {
        for column in 0..<columns {
          let offset = layout.offset(row: row, column: column)
          #expect(layout.position(at: offset) ?? (-1, -1) == (row, column))
          seen.insert(offset)
        }
      }
      #expect(seen.count == rows * columns)
      let all = layout.byteCount * 8 / element.bitCount
      #expect((0..<all).filter { layout.position(at: $0) != nil }.count == rows * columns)
    }
  }

  @Test(
    "batches, by rows and of the transposes, follow the formula",
    arguments: FractalNZ.Element.allCases)
  func batches(element: FractalNZ.Element) throws {
    for (index, (rows, columns)) in Self.sizes.enumerated() {
      let layout = try FractalNZ(element, rows: rows, columns: columns, matrices: 3)
      let matrices = NibbleMatrices(layout, seed: UInt64(index))
      #expect(layout.relaid(matrices.byRows) == matrices.stored)
      #expect(try layout.restored(matrices.stored) == matrices.byRows)
      #expect(layout.relaidTransposed(matrices.byColumns) == matrices.stored)
      #expect(try layout.restoredTransposed(matrices.stored) == matrices.byColumns)
    }
  }

  @Test("runs of rows and of strips add up to the whole", arguments: FractalNZ.Element.allCases)
  func runs(element: FractalNZ.Element) throws {
    let layout = try FractalNZ(element, rows: 75, columns: 150)
    let matrices = NibbleMatrices(layout, seed: 9)
    for runRows in [16, 32, 80] {
      var output = [UInt8](repeating: 0xA5, count: layout.byteCount)
      for row in stride(from: 0, to: 75, by: runRows) {
        let bytes = matrices.byRows[
          row * layout.rowByteCount..<min(75, row + runRows) * layout.rowByteCount]
        let run = layout.relaidRun(Array(bytes))
        let length = run.count / layout.stripCount
        for strip in 0..<layout.stripCount {
          let offset = layout.runOffset(row: row, strip: strip)
          output.replaceSubrange(
            offset..<offset + length, with: run[strip * length..<(strip + 1) * length])
        }
      }
      #expect(output == matrices.stored)
    }
    var strips: [UInt8] = []
    let length = layout.stripSourceRows * layout.transposedRowByteCount
    for first in stride(from: 0, to: matrices.byColumns.count, by: length) {
      #expect(layout.stripOffset(sourceRow: first / layout.transposedRowByteCount) == strips.count)
      strips += layout.relaidStrips(
        Array(matrices.byColumns[first..<min(first + length, matrices.byColumns.count)]))
    }
    #expect(strips == matrices.stored)
  }

  @Test("padding that is not zero is found where it is", arguments: FractalNZ.Element.allCases)
  func padding(element: FractalNZ.Element) throws {
    let layout = try FractalNZ(element, rows: 19, columns: 70, matrices: 2)
    let stored = NibbleMatrices(layout, seed: 5).stored
    let elementsOfMatrix = layout.matrixByteCount * 8 / element.bitCount
    for byte in stride(from: 0, to: stored.count, by: 7) {
      var bad = stored
      bad[byte] ^= 0x10
      let offset = byte * 8 / element.bitCount % elementsOfMatrix
      if layout.position(at: offset) != nil {
        #expect(throws: Never.self) { _ = try layout.restored(bad) }
      } else {
        #expect(throws: LayoutError.padding(byteOffset: byte)) { _ = try layout.restored(bad) }
        #expect(throws: LayoutError.padding(byteOffset: byte)) {
          _ = try layout.restoredTransposed(bad)
        }
      }
    }
  }

  @Test("sizes that have no such layout are refused")
  func refusals() {
    #expect(throws: LayoutError.oddColumns(3)) { try FractalNZ(.int4, rows: 2, columns: 3) }
    for (rows, columns, matrices) in [
      (0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 2, 2), (.max, 1, 1), (1, .max, 1),
      (1 << 31, 1 << 31, 4),
    ] {
      #expect(throws: LayoutError.size(rows: rows, columns: columns, matrices: matrices)) {
        try FractalNZ(.int8, rows: rows, columns: columns, matrices: matrices)
      }
    }
  }
}
