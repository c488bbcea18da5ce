import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

/// Q4_0 from the FP4 grid, and what all encoders from it have in common.
@Suite struct GridTests {
  @Test("Q4_0 takes the best of all F16 steps within its bound")
  func bestStep() throws {
    let grid = GridRows.blocks(600, scales: 127...127, seed: 6)
    let encoded = RowKernels.best.encoded(.q4_0, grid)
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    let source = grid.values
    for block in 0..<grid.scales.count {
      let elements = 32 * block..<32 * block + 32
      let values = source[elements].map { 2 * $0 }
      let found = squaredError(values, decoded[elements].map { 2 * $0 })
      #expect(Double(found) <= leastError(values) * 1.000001, "block \(block)")
    }
  }

  /// Values in units; tries every F16 from 1 to 3½ with both signs, except those under which a
  /// weight would be off by more than 1½.
  private func leastError(_ values: [Float]) -> Double {
    let counts = Dictionary(values.map { ($0, 1.0) }, uniquingKeysWith: +)
    var least = Double.infinity
    for bits in F16.encode(1)...F16.encode(3.5) {
      for step in [F16.decode(bits), -F16.decode(bits)] {
        let errors = counts.map { value, count in
          let code = min(7, max(-8, (value / step).rounded(.toNearestOrEven)))
          let error = Double(value - step * code).magnitude
          return error > 1.5 ? .infinity : count * error * error
        }
        least = min(least, errors.reduce(0, +))
      }
    }
    return least
  }

  @Test(
    "Q4_0 blocks of integers under one step are exact",
    arguments: [
      [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13], [1, 2, 14, 6 + 8, 5], [6, 1, 3], [2, 4, 7, 15, 6, 14],
      [3, 5, 7, 15, 11],
    ] as [[UInt8]])
  func exactBlocks(codes: [UInt8]) throws {
    for scale: UInt8 in [105, 113, 120, 142] {
      let grid = Grid(codes: (0..<32).map { codes[$0 % codes.count] }, scale: scale)
      let encoded = RowKernels.best.encoded(.q4_0, grid)
      #expect(try #require(ReferenceDecoder.decode(.q4_0, encoded)) == grid.values)
    }
  }

  @Test("no weight is further from its Q4_0 value than the bounds say")
  func bounds() throws {
    let grid = GridRows.blocks(4000, scales: 105...142, seed: 7)
    let encoded = RowKernels.best.encoded(.q4_0, grid)
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    let source = grid.values
    for block in 0..<grid.scales.count {
      let unit = E8M0.decode(grid.scales[block]) / 2
      let bound = try #require(GridBounds.q4_0Bound(scaleByte: grid.scales[block]))
      let step = F16.decode(UInt16(encoded[18 * block]) | UInt16(encoded[18 * block + 1]) << 8)
      let elements = 32 * block..<32 * block + 32
      let error = zip(source[elements], decoded[elements]).map { abs($0 - $1) }.max() ?? 0
      #expect(error <= bound)
      if step != 0 {
        let codes = grid.codes[elements]
        #expect(error == GridBounds.largestError(step: step / unit, codes: codes) * unit)
      }
    }
  }

  @Test("the bound is reached, by 6.0 of the sign that saturates under step 1.5")
  func boundIsTight() throws {
    var codes: [UInt8] = [7, 15]
    codes += [UInt8](repeating: 3, count: 16) + [UInt8](repeating: 4, count: 8)
    codes += [UInt8](repeating: 1, count: 6)
    let encoded = RowKernels.best.encoded(.q4_0, Grid(codes: codes, scale: 127))
    let decoded = try #require(ReferenceDecoder.decode(.q4_0, encoded))
    #expect(6 - decoded[0] == 0.75)
    #expect(GridBounds.q4_0Bound(scaleByte: 127) == 0.75)
    #expect(GridBounds.largestError(step: 1.5) == 1.5)
    #expect(GridBounds.largestError(step: -1) == 5)
    #expect(GridBounds.largestError(step: 1, codes: [0, 1, 5, 14]) == 0)
  }

  @Test("scale bytes whose steps F16 cannot all hold have no bound")
  func unboundedScales() {
    for scale: UInt8 in [0, 104, 143, 255] {
      #expect(GridBounds.q4_0Bound(scaleByte: scale) == nil)
    }
  }

  @Test("where no F16 scale is exact, the Q8_0 block is the absmax block of its values")
  func fallsBack() {
    for scale: UInt8 in [0, 90, 101, 150, 200] {
      let grid = Grid(codes: [1, 7, 15, 3] + [UInt8](repeating: 9, count: 28), scale: scale)
      let absmax = RowKernels.scalar.encoded(.q8_0, grid.values)
      #expect(RowKernels.best.encoded(.q8_0, grid) == absmax)
    }
  }
}

/// Σ (a − b)², in double.
func squaredError(_ values: [Float], _ others: [Float], weights: [Float]? = nil) -> Double {
  zip(values, others).enumerated().reduce(0) { sum, element in
    let error = Double(element.element.0) - Double(element.element.1)
    return sum + Double(weights?[element.offset] ?? 1) * error * error
  }
}
