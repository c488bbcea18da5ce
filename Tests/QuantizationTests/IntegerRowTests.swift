import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernQuantization

/// Rows as integers whose scales lie in a plane of their own, from floats.
@Suite struct IntegerRowTests {
  static let storages: [IntegerStorage] = [
    .init(bits: .eight, packing: .bytes), .init(bits: .four, packing: .rowPairs),
    .init(bits: .eight, groupElements: 128, packing: .words),
    .init(bits: .four, groupElements: 32, packing: .words),
    .init(bits: .four, groupElements: 256, packing: .words),
  ]

  /// Gaussian and, every third, of heavy tails; numbers of BF16 where `rounded`.
  static func row(_ count: Int, seed: UInt64, rounded: Bool = true) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let value =
        index % 3 == 0
        ? WeightedRows.laplace(&generator) : WeightedRows.gaussian(&generator)
      return rounded ? BF16.decode(BF16.encode(Float(0.02 * value))) : Float(0.02 * value)
    }
  }

  @Test("levels agree", arguments: RowKernels.available, storages)
  func levels(level: RowKernels, storage: IntegerStorage) {
    let rows = WeightedRows(blocks: 256, seed: 51)
    for values in [rows.values, Self.row(8192, seed: 52), Self.row(8192, seed: 53, rounded: false)]
    {
      for method in IntegerGroups.Method.allCases {
        for weights in [nil, rows.weights] {
          let found = EncodedRows(storage, 2048, values, method, weights, level)
          #expect(found == EncodedRows(storage, 2048, values, method, weights, .scalar))
        }
      }
    }
  }

  @Test("no BF16 scale is better for rows of four bits", arguments: [40, 129, 512, 2048])
  func fourBits(length: Int) {
    let storage = IntegerStorage(bits: .four, packing: .rowPairs)
    let judge = ScaleJudge(values: Array(-8...7), scales: EncodedRows.bf16Scales)
    for seed in 60..<64 {
      let values = Self.row(length, seed: UInt64(seed))
      let weights = Self.row(length, seed: UInt64(seed) + 100).map { 50 * abs($0) }
      for weights in [nil, weights] {
        let encoded = EncodedRows(storage, length, values, .optimal, weights)
        let least = judge.leastError(values[...], weights: encoded.weights(weights)[...])
        #expect(encoded.noise(values, weights) <= least * (1 + 1e-5))
      }
    }
  }

  @Test("rows of other values than BF16's come within a part in ten thousand of that")
  func floats() {
    let storage = IntegerStorage(bits: .four, packing: .rowPairs)
    let judge = ScaleJudge(values: Array(-8...7), scales: EncodedRows.bf16Scales)
    for seed in 70..<76 {
      let values = Self.row(1000, seed: UInt64(seed), rounded: false)
      let encoded = EncodedRows(storage, 1000, values, .optimal)
      let least = judge.leastError(values[...], weights: encoded.weights(nil)[...])
      #expect(encoded.noise(values) <= least * 1.0001)
    }
  }

  @Test("no BF16 scale up to a little above absmax's is better for rows of eight bits")
  func eightBits() {
    let storage = IntegerStorage(bits: .eight, packing: .bytes)
    for rounded in [false, true] {
      let values = Self.row(2048, seed: 80, rounded: rounded)
      let absmax = (values.map(\.magnitude).max() ?? 0) / 127
      let judge = ScaleJudge(
        values: Array(-127...127), scales: EncodedRows.bf16Scales.filter { $0 <= absmax * 1.02 })
      let encoded = EncodedRows(storage, 2048, values, .optimal)
      let least = judge.leastError(values[...], weights: encoded.weights(nil)[...])
      #expect(encoded.noise(values) <= least * (1 + 1e-5))
    }
  }

  @Test("no BF16 scale at all is better for rows on a lattice, as FP8's are")
  func lattices() {
    let storage = IntegerStorage(bits: .eight, packing: .bytes)
    let judge = ScaleJudge(values: Array(-127...127), scales: EncodedRows.bf16Scales)
    for seed in 90..<94 {
      let values = Self.row(512, seed: UInt64(seed)).map {
        // Four significant bits.
        Float(bitPattern: ($0.bitPattern + 0x80000) & 0xFFF0_0000)
      }
      let encoded = EncodedRows(storage, 512, values, .optimal)
      let least = judge.leastError(values[...], weights: encoded.weights(nil)[...])
      #expect(encoded.noise(values) <= least * (1 + 1e-5))
    }
  }

  @Test("a partial last group is encoded as if it were alone", arguments: [4, 8])
  func partialGroups(bits: Int) throws {
    let width = try #require(IntegerGroupLayout.CodeBits(rawValue: bits))
    let storage = IntegerStorage(bits: width, groupElements: 64, packing: .words)
    let values = Self.row(2 * 150, seed: 85)
    let encoded = EncodedRows(storage, 150, values, .optimal)
    for row in 0..<2 {
      for group in 0..<3 {
        let range = 150 * row + 64 * group..<150 * row + min(64 * group + 64, 150)
        let whole = IntegerStorage(bits: width, packing: .bytes)
        let alone = EncodedRows(whole, range.count, Array(values[range]), .optimal)
        #expect(Array(encoded.codes[range]) == alone.codes)
        #expect(encoded.scales[3 * row + group] == alone.scales[0])
      }
    }
  }

  @Test("groups of zeros have the scale 1, and scales that BF16 cannot hold are infinite")
  func extremes() {
    let storage = IntegerStorage(bits: .eight, packing: .bytes)
    for method in IntegerGroups.Method.allCases {
      let zeros = EncodedRows(storage, 64, [Float](repeating: 0, count: 64), method)
      #expect(zeros.scales == [1] && zeros.codes.allSatisfy { $0 == 0 })
      let tiny = EncodedRows(
        storage, 64, [Float](repeating: .leastNonzeroMagnitude, count: 64), method)
      #expect(tiny.scales == [1] && tiny.codes.allSatisfy { $0 == 0 })
    }
    let four = IntegerStorage(bits: .four, packing: .rowPairs)
    let large = EncodedRows(
      four, 32, [Float](repeating: .greatestFiniteMagnitude, count: 32), .optimal)
    #expect(large.scales[0].isFinite && large.scales[0] > 0)
  }
}
