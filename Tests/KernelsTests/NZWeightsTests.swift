import QuernLayouts
import QuernTestSupport
import Testing

@testable import QuernKernels

/// Weights as the hardware reads them.
@Suite struct NZWeightsTests {
  static let elements: [FractalNZ.Element] = [.int4, .int8]

  private func layouts(_ element: FractalNZ.Element) throws -> [FractalNZ] {
    try [(1, 2, 1), (16, 64, 2), (40, 70, 3), (129, 34, 1)].map {
      try FractalNZ(element, rows: $0.0, columns: $0.1, matrices: $0.2)
    }
  }

  /// The codes of a file's bytes, by the rule of the format.
  private func codes(_ rows: [UInt8], _ layout: FractalNZ, matrix: Int) throws -> CodeMatrix {
    let (outputs, inputs) = (layout.columnCount, layout.rowCount)
    let codes = (0..<outputs * inputs).map { index -> Int8 in
      let (output, input) = index.quotientAndRemainder(dividingBy: inputs)
      guard layout.element == .int4 else {
        return Int8(bitPattern: rows[(matrix * outputs + output) * inputs + input])
      }
      let byte = Int8(bitPattern: rows[(matrix * outputs / 2 + output / 2) * inputs + input])
      return output % 2 == 0 ? (byte << 4) >> 4 : byte >> 4
    }
    return try CodeMatrix(rows: outputs, columns: inputs, codes: codes)
  }

  @Test(
    "a file's bytes, relaid, are read as the file's codes, at once and one by one",
    arguments: elements)
  func codes(element: FractalNZ.Element) throws {
    var generator = SeededGenerator(seed: 8)
    for layout in try layouts(element) {
      let count = layout.transposedRowCount * layout.transposedRowByteCount
      let rows = generator.bytes(layout.matrixCount * count)
      let weights = try NZWeights(layout: layout, relaying: rows)
      let all = try weights.allCodes()
      #expect(all.count == layout.matrixCount)
      for (matrix, found) in all.enumerated() {
        #expect(found == weights.codes(matrix: matrix))
        #expect(try found == codes(rows, layout, matrix: matrix))
      }
    }
  }

  @Test("what does not fit, and padding that is not zero, is refused")
  func refusals() throws {
    let layout = try FractalNZ(.int4, rows: 3, columns: 4)
    #expect(throws: KernelError.count(of: "NZ bytes", found: 1, expected: 512)) {
      try NZWeights(layout: layout, bytes: [0])
    }
    #expect(throws: KernelError.count(of: "weights", found: 1, expected: 6)) {
      try NZWeights(layout: layout, relaying: [0])
    }
    #expect(throws: KernelError.count(of: "bits of a code", found: 16, expected: 8)) {
      try NZWeights(
        layout: FractalNZ(.half, rows: 1, columns: 1), bytes: .init(repeating: 0, count: 512))
    }
    var bytes = [UInt8](repeating: 0, count: 512)
    bytes[500] = 1
    #expect(throws: LayoutError.padding(byteOffset: 500)) {
      try NZWeights(layout: layout, bytes: bytes).allCodes()
    }
    for (outputs, bytes) in [(3, 6), (4, 5)] {
      #expect(throws: KernelError.self) {
        try CodeMatrix(rowPairs: .init(repeating: 0, count: bytes), outputs: outputs, inputs: 3)
      }
    }
  }
}
