import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@Suite struct GridTests {
  @Test(
    "Q8_0 and MXFP4 hold the grid exactly wherever F16 holds the unit",
    arguments: [NumberFormat.q8_0, .mxfp4])
  func exact(format: NumberFormat) {
    let grid = GridRows.blocks(2000, scales: 104...143, seed: 5)
    let decoded = ReferenceDecoder.decode(format, RowKernels.best.encoded(format, grid))
    #expect(firstDifference(decoded, referenceValues(grid)) == nil)
  }

  @Test("Q4_0 takes the lattice step of least squared error, the first of equals")
  func bestStep() throws {
    let grid = GridRows.blocks(2000, scales: 127...127, seed: 6)
    let encoded = RowKernels.best.encoded(.q4_0, grid)
    let source = referenceValues(grid)
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    for block in 0..<grid.scales.count {
      let values = source[32 * block..<32 * block + 32].map { 2 * $0 }
      let output = decoded[32 * block..<32 * block + 32].map { 2 * $0 }
      let (step, error) = bestLatticeStep(values)
      #expect(zip(values, output).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) == error)
      let scale = F16.decode(UInt16(encoded[18 * block]) | UInt16(encoded[18 * block + 1]) << 8)
      #expect(2 * scale == step || values.allSatisfy { $0 == 0 })
    }
  }

  /// Values in units; tries every step and rounds to nearest.
  private func bestLatticeStep(_ values: [Float]) -> (step: Float, error: Float) {
    var best: (step: Float, error: Float) = (0, .infinity)
    for step: Float in [1, -1, 1.5, -1.5, 2, -2, 3, -3, 4, -4] {
      let error = values.map { value in
        let code = min(7, max(-8, (value / step).rounded(.toNearestOrEven)))
        return (value - step * code) * (value - step * code)
      }.reduce(0, +)
      if error < best.error { best = (step, error) }
    }
    return best
  }

  @Test("no weight is further from its Q4_0 value than the bounds say")
  func bounds() throws {
    let grid = GridRows.blocks(4000, scales: 105...142, seed: 7)
    let encoded = RowKernels.best.encoded(.q4_0, grid)
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    let source = referenceValues(grid)
    for (index, value) in source.enumerated() {
      let (block, scale) = (index / 32, grid.scales[index / 32])
      let unit = E8M0.decode(scale) / 2
      let error = abs(value - decoded[index])
      let d = F16.decode(UInt16(encoded[18 * block]) | UInt16(encoded[18 * block + 1]) << 8)
      let bound = try #require(GridBounds.q4_0Bound(scaleByte: scale))
      #expect(error <= bound)
      if d != 0 {
        let steps = try #require(GridBounds.largestError(stepInHalves: Int(2 * d / unit)))
        #expect(error <= steps * unit)
      }
    }
  }

  @Test("the bound is reached, by 6.0 of the sign that saturates under step 1.5")
  func boundIsTight() throws {
    let codes = [[UInt8]](repeating: [7, 15, 6, 14, 1, 3, 9, 11], count: 4).flatMap { $0 }
    let encoded = RowKernels.best.encoded(.q4_0, Grid(codes: codes, scale: 127))
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    #expect(6 - decoded[0] == 0.75)
    #expect(GridBounds.q4_0Bound(scaleByte: 127) == 0.75)
  }

  @Test("scale bytes whose steps F16 cannot all hold have no bound")
  func unboundedScales() {
    for scale: UInt8 in [0, 104, 143, 255] {
      #expect(GridBounds.q4_0Bound(scaleByte: scale) == nil)
    }
    #expect(GridBounds.largestError(stepInHalves: 8) == nil)
  }

  @Test("where no F16 scale is exact, the block is the absmax block of its values")
  func fallsBack() {
    for scale: UInt8 in [0, 90, 101, 150, 200] {
      let grid = Grid(codes: [1, 7, 15, 3] + [UInt8](repeating: 9, count: 28), scale: scale)
      for format in [NumberFormat.q8_0, .q4_0] {
        let absmax = RowKernels.scalar.encoded(format, referenceValues(grid))
        #expect(RowKernels.best.encoded(format, grid) == absmax)
      }
    }
  }

  private func referenceValues(_ grid: Grid) -> [Float] {
    var values = [Float](repeating: 7, count: 32 * grid.scales.count)
    grid.packed.withUnsafeBytes { packed in
      grid.scales.withUnsafeBytes { scales in
        values.withUnsafeMutableBufferPointer {
          E2M1.decodeRow(packed, scales: scales, into: $0)
        }
      }
    }
    return values
  }
}
