import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

/// Formats that can only come near the FP4 grid.
@Suite struct GridSearchTests {
  static let formats: [NumberFormat] = [.q4_0, .q4_1, .iq4_nl, .q4_k, .iq4_xs]

  /// Decibels on Gaussian rows whose exponents are rounded up, and down.
  static let floors: [(format: NumberFormat, up: Double, down: Double)] = [
    (.q4_0, 26.3, 23.55), (.q4_1, 27.65, 24.9), (.q4_k, 27.4, 24.75), (.iq4_nl, 23.9, 23.95),
    (.iq4_xs, 23.75, 23.85),
  ]

  @Test("rows keep as many decibels as were measured", arguments: floors)
  func decibels(format: NumberFormat, up: Double, down: Double) throws {
    for (roundsUp, floor) in [(true, up), (false, down)] {
      let grid = GridRows.gaussian(rows: 32, roundsUp: roundsUp, seed: 2)
      let encoded = RowKernels.best.encoded(format, grid)
      let decoded = try #require(ReferenceDecoder.decode(format, encoded))
      let found = ratioInDecibels(grid.values, decoded)
      #expect(found >= floor, "\(format), \(roundsUp ? "up" : "down"): \(found)")
    }
  }

  @Test("rows are never worse than the reference encoder leaves them", arguments: formats)
  func reference(format: NumberFormat) throws {
    for roundsUp in [true, false] {
      let grid = GridRows.gaussian(rows: 16, roundsUp: roundsUp, seed: 3)
      let own = try error(format, grid, of: RowKernels.best.encoded(format, grid))
      let other = try error(format, grid, of: RowKernels.best.encoded(format, grid.values))
      #expect(own.reduce(0, +) < other.reduce(0, +))
      for (block, errors) in zip(own, other).enumerated() {
        #expect(errors.0 <= errors.1 * 1.000001, "block \(block)")
      }
    }
  }

  private func error(
    _ format: NumberFormat, _ grid: Grid, of bytes: [UInt8], weights: [Float]? = nil
  ) throws -> [Double] {
    let decoded = try #require(ReferenceDecoder.decode(format, bytes))
    let source = grid.values
    return stride(from: 0, to: source.count, by: format.blockElements).map { first in
      let elements = first..<first + format.blockElements
      return squaredError(
        Array(source[elements]), Array(decoded[elements]),
        weights: weights.map { Array($0[elements]) })
    }
  }

  @Test("weights lower the weighted error, and what alone has weight is kept", arguments: formats)
  func weights(format: NumberFormat) throws {
    var generator = SeededGenerator(seed: 8)
    let grid = GridRows.gaussian(rows: 4, roundsUp: true, seed: 4)
    let weights = (0..<32 * grid.scales.count).map { _ in
      let uniform = Float.random(in: 0...1, using: &generator)
      return uniform * uniform * uniform
    }
    let plain = RowKernels.best.encoded(format, grid)
    let weighted = RowKernels.best.encoded(format, grid, weights: weights)
    let (before, after) = (
      try error(format, grid, of: plain, weights: weights).reduce(0, +),
      try error(format, grid, of: weighted, weights: weights).reduce(0, +)
    )
    #expect(after < 0.9 * before)

    let oneHot = weights.indices.map { Float($0 % 32 == 7 ? 1 : 0) }
    let kept = RowKernels.best.encoded(format, grid, weights: oneHot)
    let lone = try error(format, grid, of: kept, weights: oneHot).reduce(0, +)
    #expect(lone < 0.1 * (try error(format, grid, of: plain, weights: oneHot).reduce(0, +)))
  }

  @Test("no weight makes an exact block inexact", arguments: [NumberFormat.q4_0, .q4_1, .q4_k])
  func exactStaysExact(format: NumberFormat) throws {
    let codes = (0..<32).map { [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13][$0 % 11] as UInt8 }
    let grid = Grid(
      packed: (0..<8).flatMap { _ in Grid(codes: codes, scale: 120).packed },
      scales: [UInt8](repeating: 120, count: 8))
    let weights = (0..<256).map { $0 == 3 ? Float(1e38) : Float($0 % 5) * 1e-38 }
    let encoded = RowKernels.best.encoded(format, grid, weights: weights)
    #expect(try #require(ReferenceDecoder.decode(format, encoded)) == grid.values)
  }

  @Test(
    "weights all alike, whatever their size, change nothing",
    arguments: [NumberFormat.iq4_nl, .q4_k])
  func uniformWeights(format: NumberFormat) {
    let grid = GridRows.gaussian(rows: 1, roundsUp: true, seed: 6)
    let plain = RowKernels.best.encoded(format, grid)
    for weight: Float in [0, 1, 0x1p-140, 0x1p100] {
      let weights = [Float](repeating: weight, count: 4096)
      #expect(RowKernels.best.encoded(format, grid, weights: weights) == plain)
    }
  }

  private func ratioInDecibels(_ source: [Float], _ output: [Float]) -> Double {
    let signal = source.reduce(0) { $0 + Double($1) * Double($1) }
    return 10 * log10(signal / squaredError(source, output))
  }
}
