import QuernQuantization
import QuernTestSupport
import Testing

/// Every level encodes the FP4 grid as the scalar definition does.
@Suite struct GridLevelTests {
  static let formats = NumberFormat.allCases.filter { $0.blockElements > 1 }
  let scalar = RowKernels.scalar

  @Test(
    "levels agree wherever the grid is encoded as such", arguments: RowKernels.available, formats)
  func near(level: RowKernels, format: NumberFormat) {
    let grid = GridRows.superBlocks(400, scales: 118...135, spread: 5, seed: 3)
    #expect(
      firstDifference(level.encoded(format, grid), scalar.encoded(format, grid)) == nil)
    let weights = weights(grid)
    #expect(
      firstDifference(
        level.encoded(format, grid, weights: weights),
        scalar.encoded(format, grid, weights: weights)) == nil)
  }

  @Test("levels agree for every scale byte", arguments: RowKernels.available, formats)
  func anyScale(level: RowKernels, format: NumberFormat) {
    let grid = GridRows.blocks(6000 - 6000 % 8, scales: 0...252, seed: 3)
    #expect(
      firstDifference(level.encoded(format, grid), scalar.encoded(format, grid)) == nil)
  }

  @Test("levels decode the grid alike", arguments: RowKernels.available)
  func decoded(level: RowKernels) {
    let grid = GridRows.blocks(6000, scales: 0...254, seed: 3)
    let bits = level.decoded(grid).map(\.bitPattern)
    #expect(firstDifference(bits, scalar.decoded(grid).map(\.bitPattern)) == nil)
  }

  private func weights(_ grid: Grid) -> [Float] {
    var generator = SeededGenerator(seed: 12)
    return (0..<32 * grid.scales.count).map { index in
      index % 7 == 0 ? 0 : Float.random(in: 0...1, using: &generator)
    }
  }
}
