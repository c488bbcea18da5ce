import QuernQuantization
import QuernTestSupport
import Testing

/// Formats that hold the FP4 grid.
@Suite struct GridExactTests {
  /// Formats with the scale bytes that they hold and how far apart those of a block may be.
  static let limits: [(format: NumberFormat, scales: ClosedRange<UInt8>, spread: Int)] = [
    (.mxfp4, 0...252, 252), (.q8_0, 104...143, 39), (.q5_0, 104...143, 39),
    (.q5_1, 104...139, 35), (.nvfp4, 118...135, 17), (.q5_k, 104...139, 5), (.q6_k, 104...143, 8),
  ]

  @Test("every code under every scale in the limits is exact", arguments: limits)
  func exact(format: NumberFormat, scales: ClosedRange<UInt8>, spread: Int) {
    let grid = GridRows.superBlocks(300, scales: scales, spread: spread, seed: 5)
    let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
    #expect(firstDifference(decoded, grid.values) == nil)
  }

  @Test("what scale exponents alone promise is kept, whatever the codes", arguments: limits)
  func condition(format: NumberFormat, scales: ClosedRange<UInt8>, spread: Int) {
    for low in 100...146 {
      for high in low...min(low + 10, 150)
      where GridExactness.isExact(format, scaleExponents: low - 127...high - 127) {
        let grid = allCodes((0..<8).map { UInt8($0 == 5 ? high : low) })
        let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
        #expect(decoded == grid.values, "\(low) to \(high)")
      }
    }
  }

  @Test(
    "one step beyond the limits there are codes that are not exact",
    arguments: [
      (.q8_0, [103]), (.q5_0, [103]), (.q5_0, [144]), (.q5_1, [103]),
      (.nvfp4, [117]), (.nvfp4, [136]), (.q5_k, [103]), (.q5_k, [120, 126]), (.q6_k, [103]),
      (.q6_k, [120, 129]),
    ] as [(NumberFormat, [UInt8])])
  func beyond(format: NumberFormat, scales: [UInt8]) {
    let grid = allCodes((0..<8).map { scales[$0 % scales.count] })
    let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
    #expect(decoded != grid.values)
  }

  /// Every code in every run, so that no coarser or finer step helps.
  private func allCodes(_ scales: [UInt8]) -> Grid {
    let codes = (0..<256).map { UInt8($0 % 16) }
    return Grid(
      packed: (0..<128).map { codes[2 * $0] | codes[2 * $0 + 1] << 4 }, scales: scales)
  }

  @Test("common factors and small codes stretch the limits")
  func stretched() {
    let small = Grid(codes: (0..<32).map { [0, 1, 2, 9][$0 % 4] }, scale: 123)
    let even = Grid(codes: (0..<32).map { [0, 4, 6, 12, 14][$0 % 5] }, scale: 114)
    for format in [NumberFormat.q5_k, .q6_k] {
      let grid = Grid(
        packed: (0..<8).flatMap { ($0 == 2 ? small : even).packed },
        scales: (0..<8).flatMap { ($0 == 2 ? small : even).scales })
      let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
      #expect(firstDifference(decoded, grid.values) == nil)
    }
    let coarse = Grid(codes: (0..<32).map { [0, 2, 4, 10][$0 % 4] }, scale: 103)
    let fine = Grid(codes: (0..<32).map { [0, 1, 9][$0 % 3] }, scale: 145)
    for (format, grid) in [(NumberFormat.q5_0, coarse), (.q8_0, coarse), (.q5_0, fine)] {
      let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
      #expect(firstDifference(decoded, grid.values) == nil)
    }
  }

  @Test("zeros are zeros under any scale byte", arguments: limits.map(\.format))
  func zeros(format: NumberFormat) {
    for scale: UInt8 in [0, 90, 127, 200, 254] {
      let grid = Grid(
        packed: [UInt8](repeating: 0x80, count: 128), scales: [UInt8](repeating: scale, count: 8))
      let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
      #expect(decoded?.allSatisfy { $0 == 0 } == true)
    }
  }

  @Test(
    "integers with one scale are exact up to a factor of 8, and no further",
    arguments: [32, 64, 128, 256])
  func integers(group: Int) throws {
    for spread in 0...4 {
      let grid = GridRows.superBlocks(40, scales: 100...140, spread: spread, seed: 9)
      let integers = grid.withRow { GridIntegers($0, group: group) }
      if spread > 3, group > 32 {
        #expect(integers == nil)
        continue
      }
      let (codes, exponents) = try #require(integers.map { ($0.codes, $0.exponents) })
      let decoded = codes.indices.map {
        Float(codes[$0])
          * Float(sign: .plus, exponent: Int(exponents[$0 / group]), significand: 1)
      }
      #expect(firstDifference(decoded, grid.values) == nil)
    }
  }

  @Test("integers of four bits hold what a step of -7 to 7 holds")
  func fourBits() {
    let threes = Grid(codes: (0..<32).map { [0, 1, 5, 11, 13][$0 % 5] }, scale: 127)
    let even = Grid(codes: (0..<32).map { [0, 2, 4, 7, 14][$0 % 5] }, scale: 127)
    let both = Grid(codes: (0..<32).map { [1, 7][$0 % 2] }, scale: 127)
    #expect(threes.withRow { GridIntegers($0, group: 32, bits: 4) }?.exponents == [-1])
    #expect(even.withRow { GridIntegers($0, group: 32, bits: 4) }?.exponents == [0])
    #expect(both.withRow { GridIntegers($0, group: 32, bits: 4) } == nil)
  }
}
