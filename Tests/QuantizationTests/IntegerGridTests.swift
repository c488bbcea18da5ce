import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernQuantization

/// Rows as integers from the FP4 grid.
@Suite struct IntegerGridTests {
  /// Random codes under scale bytes up to `spread` apart; every eleventh block is zeros of any scale.
  struct Source {
    var packed: [UInt8] = []
    var exponents: [UInt8] = []

    init(blocks: Int, spread: UInt8, mask: UInt8 = 0xFF, least: UInt8 = 118, seed: UInt64) {
      var generator = SeededGenerator(seed: seed)
      for block in 0..<blocks {
        let isZero = block % 11 == 10
        packed += (0..<16).map { _ in
          isZero ? 0x80 : UInt8.random(in: 0...255, using: &generator) & mask
        }
        exponents.append(
          isZero
            ? UInt8.random(in: 0...254, using: &generator)
            : UInt8.random(in: least...least + spread, using: &generator))
      }
    }

    var values: [Float] {
      var values = [Float](repeating: 0, count: 2 * packed.count)
      packed.withUnsafeBufferPointer { packed in
        exponents.withUnsafeBufferPointer { exponents in
          values.withUnsafeMutableBufferPointer {
            RowKernels.scalar.decode(GridRow(packed: packed, scales: exponents), into: $0)
          }
        }
      }
      return values
    }

    func encoded(
      _ storage: IntegerStorage, _ rowLength: Int, _ weights: [Float]? = nil,
      _ kernels: RowKernels = .best
    ) -> EncodedRows {
      EncodedRows(storage, rowLength, packed: packed, exponents: exponents, weights, kernels)
    }
  }

  static let weights = WeightedRows(blocks: 256, seed: 54).weights

  @Test("levels agree", arguments: RowKernels.available, IntegerRowTests.storages)
  func levels(level: RowKernels, storage: IntegerStorage) {
    for (spread, least) in [(0, 118), (3, 118), (6, 100), (30, 100), (250, 2)] {
      let source = Source(blocks: 256, spread: UInt8(spread), least: UInt8(least), seed: 55)
      for weights in [nil, Self.weights] {
        let found = source.encoded(storage, 2048, weights, level)
        #expect(found == source.encoded(storage, 2048, weights, .scalar))
      }
    }
  }

  @Test("exact groups are those that come back, counted", arguments: IntegerRowTests.storages)
  func counts(storage: IntegerStorage) {
    for (spread, least) in [(0, 118), (3, 118), (5, 118), (24, 90), (100, 2), (250, 2)] {
      for mask in [0xFF, 0xBB, 0x22] as [UInt8] {
        let source = Source(
          blocks: 256, spread: UInt8(spread), mask: mask, least: UInt8(least), seed: 56)
        let (encoded, values) = (source.encoded(storage, 512), source.values)
        let group = min(storage.groupElements(rowLength: 512), 512)
        let equal = stride(from: 0, to: values.count, by: group).filter { start in
          (start..<start + group).allSatisfy { values[$0] == encoded.decoded[$0] }
        }
        #expect(encoded.exact == equal.count)
        #expect(encoded.scales.allSatisfy { $0 > 0 && $0.isFinite })
      }
    }
  }

  @Test("rows of eight bits are exact where scale bytes are three apart")
  func eightBits() {
    let source = Source(blocks: 256, spread: 3, seed: 57)
    let encoded = source.encoded(.init(bits: .eight, packing: .bytes), 1024)
    #expect(encoded.exact == 8)
    #expect(zip(encoded.decoded, source.values).allSatisfy { $0 == $1 })
  }

  @Test("no BF16 scale is better where a row is not exact", arguments: [4, 8], [32, 96, 512])
  func leastErrors(bits: Int, length: Int) throws {
    let width = try #require(IntegerGroupLayout.CodeBits(rawValue: bits))
    let judge = ScaleJudge(
      values: bits == 4 ? Array(-8...7) : Array(-127...127), scales: EncodedRows.bf16Scales)
    for seed in 0..<4 {
      let source = Source(blocks: length / 32, spread: bits == 4 ? 2 : 6, seed: UInt64(seed) + 30)
      let values = source.values
      for weights in [nil, Array(Self.weights[..<length])] {
        let encoded = source.encoded(.init(bits: width, packing: .bytes), length, weights)
        let least = judge.leastError(values[...], weights: encoded.weights(weights)[...])
        #expect(encoded.noise(values, weights) <= least * (1 + 1e-5))
      }
    }
  }

  @Test("weights that are all on zeros count for nothing")
  func weightsOnZeros() {
    let source = Source(blocks: 1, spread: 0, seed: 58)
    let weights = source.values.map { $0 == 0 ? Float(1) : 0 }
    let storage = IntegerStorage(bits: .four, packing: .bytes)
    #expect(source.encoded(storage, 32, weights).scales == source.encoded(storage, 32).scales)
  }
}
