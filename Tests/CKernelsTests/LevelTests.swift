import CKernels
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

/// Every level returns the bytes of the scalar definition.
@Suite struct LevelTests {
  static let formats = NumberFormat.allCases.filter { $0 != .f32 && $0 != .i32 }
  let scalar = RowKernels.scalar

  @Test("encoders agree, for every number of blocks", arguments: RowKernels.available, formats)
  func encoders(level: RowKernels, format: NumberFormat) {
    let rows = EdgeRows.blocks(3000, seed: 1)
    #expect(firstDifference(level.encoded(format, rows), scalar.encoded(format, rows)) == nil)
    let length = max(32, format.blockElements)
    for blocks in 0...40 {
      let row = Array(rows[(length * blocks)..<(2 * length * blocks)])
      #expect(firstDifference(level.encoded(format, row), scalar.encoded(format, row)) == nil)
    }
  }

  @Test("decoders agree on random bytes", arguments: RowKernels.available, formats)
  func decoders(level: RowKernels, format: NumberFormat) {
    var generator = SeededGenerator(seed: 2)
    let bytes = generator.bytes(format.blockBytes * (96_000 / max(32, format.blockElements)))
    let (fast, slow) = (level.decoded(format, bytes), scalar.decoded(format, bytes))
    #expect(firstDifference(format.comparable(fast), format.comparable(slow)) == nil)
  }

  @Test("FP8 rows agree, for any scale block", arguments: RowKernels.available)
  func fp8(level: RowKernels) {
    let codes = (0..<1000).map { UInt8($0 % 256) }
    let scales = (0..<1000).map { Float($0 + 1) / 3 }
    for block in [1, 3, 32, 128, 999, 1000, 5000] {
      let (fast, slow) = (
        decodedFP8(level, codes, scales, block), decodedFP8(scalar, codes, scales, block)
      )
      #expect(firstDifference(fast, slow) == nil)
      let spot = codes.count / 2
      let expected = E4M3.decode(codes[spot]) * scales[spot / block]
      #expect(fast[spot] == expected.bitPattern)
    }
  }

  private func decodedFP8(_ level: RowKernels, _ codes: [UInt8], _ scales: [Float], _ block: Int)
    -> [UInt32]
  {
    var values = [Float](repeating: 7, count: codes.count)
    codes.withUnsafeBufferPointer { codes in
      FP8Table.e4m3.withUnsafeBufferPointer { table in
        scales.withUnsafeBufferPointer { scales in
          values.withUnsafeMutableBufferPointer {
            level.decodeFP8(codes, table: table, scales: scales, scaleBlock: block, into: $0)
          }
        }
      }
    }
    return values.map(\.bitPattern)
  }

  @Test(
    "the first value that is not finite is found, wherever it is", arguments: RowKernels.available)
  func firstNonFinite(level: RowKernels) {
    for count in [0, 1, 63, 64, 65, 200] {
      for bad in 0..<count {
        for value: Float in [.nan, .infinity, -.infinity] {
          var values = [Float](repeating: -Float.greatestFiniteMagnitude, count: count)
          values[bad] = value
          if bad + 1 < count { values[count - 1] = .nan }
          #expect(values.withUnsafeBufferPointer { level.firstNonFinite($0) } == bad)
        }
      }
      let finite = [Float](repeating: .greatestFiniteMagnitude, count: count)
      #expect(finite.withUnsafeBufferPointer { level.firstNonFinite($0) } == nil)
    }
  }

  @Test("the best level is the last available, and the scalar one is always there")
  func dispatch() {
    #expect(RowKernels.available.first?.levelName == "scalar")
    #expect(RowKernels.available.last?.levelName == RowKernels.best.levelName)
  }
}
