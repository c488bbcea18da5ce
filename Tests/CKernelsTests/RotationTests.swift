import Foundation
import QuernTestSupport
import Testing

@testable import QuernQuantization

/// `formats/rotation`, and that every level does the same.
@Suite struct RotationTests {
  /// A row of pseudorandom values.
  private static func values(_ count: Int) -> [Float] {
    var generator = SeededGenerator(seed: 7)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  private static func rotated(
    _ values: [Float], rowLength: Int, gains: [Float]? = nil, columns: Bool, rows: Bool,
    kernels: RowKernels = .best
  ) -> [Float] {
    var values = values
    values.withUnsafeMutableBufferPointer {
      if columns { kernels.rotateColumns($0, rowLength: rowLength, gains: gains) }
      if rows { kernels.rotateRows($0, rowLength: rowLength) }
    }
    return values
  }

  @Test(arguments: RowKernels.available.map(\.levelName))
  func everyLevelGivesTheBytesOfTheDefinition(level: String) throws {
    let kernels = try #require(RowKernels.available.first { $0.levelName == level })
    for rowLength in [32, 96, 288, 4096] {
      let values = Self.values(64 * rowLength)
      let gains = Self.values(rowLength)
      for (gains, columns, rows) in [
        (nil, true, false), (gains, true, false), (nil, false, true), (gains, true, true),
      ] as [([Float]?, Bool, Bool)] {
        let expected = Self.rotated(
          values, rowLength: rowLength, gains: gains, columns: columns, rows: rows,
          kernels: .scalar)
        let found = Self.rotated(
          values, rowLength: rowLength, gains: gains, columns: columns, rows: rows,
          kernels: kernels)
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
      }
    }
  }

  @Test func examplesOfTheFormatComeOut() throws {
    struct Spec: Decodable {
      struct Example: Decodable {
        let name: String
        let columns: Bool?
        let rows: Bool?
        let rowLength: Int?
        let values: [String]
        let gains: [String]?
        let rotated: [String]
      }
      let examples: [Example]
    }
    let spec = try JSONDecoder().decode(
      Spec.self, from: Data(contentsOf: TestData.format("rotation/spec.json")))
    func floats(_ words: [String]) throws -> [Float] {
      try words.map { Float(bitPattern: try #require(UInt32($0, radix: 16))) }
    }
    for example in spec.examples {
      let rotated = Self.rotated(
        try floats(example.values), rowLength: example.rowLength ?? 32,
        gains: try example.gains.map(floats), columns: example.columns ?? false,
        rows: example.rows ?? false)
      #expect(try rotated == floats(example.rotated), "\(example.name)")
    }
    #expect(spec.examples.count == 4)
  }

  @Test(arguments: [(true, false), (false, true), (true, true)])
  func rotatingTwiceGivesTheValuesBack(columns: Bool, rows: Bool) {
    let values = Self.values(64 * 96)
    let once = Self.rotated(values, rowLength: 96, columns: columns, rows: rows)
    let twice = Self.rotated(once, rowLength: 96, columns: columns, rows: rows)
    #expect(zip(values, twice).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(values, once).contains { abs($0 - $1) > 0.1 })
  }

  @Test func blocksDoNotMix() {
    var values = [Float](repeating: 0, count: 64 * 64)
    values[33 * 64 + 40] = 1
    let columns = Self.rotated(values, rowLength: 64, columns: true, rows: false)
    let rows = Self.rotated(values, rowLength: 64, columns: false, rows: true)
    for index in values.indices {
      let (row, column) = (index / 64, index % 64)
      #expect((columns[index] != 0) == (row == 33 && column >= 32))
      #expect((rows[index] != 0) == (column == 40 && row >= 32))
    }
  }

  /// Rows and columns are independent, but for rounding.
  @Test func aProductOfRotatedFactorsIsTheProduct() {
    let (weights, inputs) = (Self.values(64), Self.values(128).suffix(64))
    let product = zip(weights, inputs).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    let turned = Self.rotated(weights, rowLength: 64, columns: true, rows: false)
    let others = Self.rotated(Array(inputs), rowLength: 64, columns: true, rows: false)
    let rotated = zip(turned, others).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(product - rotated) < 1e-5)
  }
}
