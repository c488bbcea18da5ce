import CKernels
import QuernQuantization
import QuernTestSupport
import Testing

@Suite struct CompareTests {
  @Test("sums are those of sixteen lanes, each in order", arguments: RowKernels.available)
  func lanes(level: RowKernels) {
    let source = EdgeRows.blocks(150, seed: 8)
    let output = source.enumerated().map { $0 % 7 == 0 ? 0 : $1 * ($0 % 3 == 0 ? 1 : 0.99) }
    for position in [0, 1, 15, 16, 37] {
      for count in [0, 1, 14, 15, 16, 17, 31, 32, 33, source.count] {
        let (source, output) = (Array(source[..<count]), Array(output[..<count]))
        let start = Self.start
        let sums = level.compared(source, output, position: position, from: start)
        let expected = naive(source, output, position: position, from: start)
        #expect(sums.bits == expected.bits, "position \(position), \(count) elements")
      }
    }
  }

  static var start: quern_comparison {
    var sums = quern_comparison()
    sums.signal.3 = 0.1
    sums.output.3 = 0.2
    sums.noise.15 = 0.3
    sums.max_abs_error = 1e-20
    sums.unequal = 5
    sums.lost_signs = 7
    return sums
  }

  private func naive(
    _ source: [Float], _ output: [Float], position: Int, from start: quern_comparison
  ) -> quern_comparison {
    var sums = start
    for (index, (source, output)) in zip(source, output).enumerated() {
      let (s, o, lane) = (Double(source), Double(output), (position + index) % 16)
      withLanes(&sums.signal) { $0[lane] += s * s }
      withLanes(&sums.output) { $0[lane] += o * o }
      withLanes(&sums.noise) { $0[lane] += (s - o) * (s - o) }
      sums.max_abs_error = max(sums.max_abs_error, abs(s - o))
      if source != output { sums.unequal += 1 }
      if source == 0, source.sign == .minus, output == 0, output.sign == .plus {
        sums.lost_signs += 1
      }
    }
    return sums
  }

  private func withLanes<Lanes>(
    _ lanes: inout Lanes, _ body: (UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    withUnsafeMutableBytes(of: &lanes) { body($0.assumingMemoryBound(to: Double.self)) }
  }

  @Test(
    "the comparison by integers equals the one by values, or says no and adds nothing",
    arguments: RowKernels.available, [NumberFormat.mxfp4, .q8_0])
  func integers(level: RowKernels, format: NumberFormat) {
    var generator = SeededGenerator(seed: 9)
    // Runs of blocks are summed as integers where their scales are close: close, far and mixed.
    let scales: [ClosedRange<UInt8>] = [0...255, 110...130, 118...123, 0...8, 104...112, 244...252]
    for round in 0..<600 {
      let blocks = [6, 64, 65, 150][round / 2 % 4]
      let grid = GridRows.blocks(
        blocks, scales: scales[round % scales.count], seed: UInt64(round))
      var bytes = RowKernels.scalar.encoded(format, grid)
      if round % 2 == 1 {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
          1 << UInt8.random(in: 0...7, using: &generator)
      }
      expectSame(level, grid, format, bytes, startingSums(round, &generator))
    }
  }

  /// Nothing, sums of a grid, or sums with every bit in use, to which no addition is exact.
  private func startingSums(_ round: Int, _ generator: inout SeededGenerator) -> quern_comparison {
    var sums = round % 5 == 0 ? Self.start : quern_comparison()
    guard round % 5 == 1 else { return sums }
    withLanes(&sums.signal) { lanes in
      for lane in lanes.indices { lanes[lane] = Double.random(in: 0...0x1p-14, using: &generator) }
    }
    withLanes(&sums.output) { lanes in
      for lane in lanes.indices { lanes[lane] = Double(Int.random(in: 0...99, using: &generator)) }
    }
    return sums
  }

  private func expectSame(
    _ level: RowKernels, _ grid: Grid, _ format: NumberFormat, _ bytes: [UInt8],
    _ start: quern_comparison
  ) {
    let source = RowKernels.scalar.decoded(grid)
    let output = RowKernels.scalar.decoded(format, bytes).map { Float(bitPattern: $0) }
    let result = level.comparedExactly(grid, format, bytes, from: start)
    let slow = RowKernels.scalar.compared(source, output, position: 0, from: start)
    #expect(result.equal == (source == output))
    #expect(result.sums.bits == (source == output ? slow : start).bits)
  }

  @Test(
    "any one flipped bit of codes or scales that changes a value is seen",
    arguments: RowKernels.available)
  func everyBit(level: RowKernels) {
    let grid = GridRows.blocks(9, scales: 120...121, seed: 10)
    for format in [NumberFormat.mxfp4, .q8_0] {
      let bytes = RowKernels.scalar.encoded(format, grid)
      for bit in 0..<8 * bytes.count {
        var broken = bytes
        broken[bit / 8] ^= 1 << UInt8(bit % 8)
        expectSame(level, grid, format, broken, .init())
      }
    }
  }
}
