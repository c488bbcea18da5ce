import CKernels
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

/// The `optimal` encoders of formats with a scale and a minimum, or with scales of scales.
@Suite struct OptimalRunsTests {
  static let formats: [NumberFormat] = [.q4_1, .q5_1, .q4_k, .q5_k, .q6_k, .iq4_xs]

  /// Rows of a whole number of super-blocks that searches can stumble over.
  static let rows: [(values: [Float], weights: [Float]?)] = {
    let mixed = WeightedRows(blocks: 13 * 40, seed: 41)
    let even = SuperBlockRows(count: 60, seed: 42)
    let edges = EdgeRows.blocks(12 * 24, seed: 43)
    let repeated = EdgeRows.superBlocks(12 * 3, seed: 44)
    return [
      (mixed.values, mixed.weights), (mixed.values, nil), (even.values, even.weights),
      (even.values, nil), (edges, nil), (edges, Array(mixed.weights.prefix(edges.count))),
      (repeated, nil), (repeated, Array(mixed.weights.prefix(repeated.count))),
    ]
  }()

  @Test("levels agree, with weights and without", arguments: RowKernels.available, formats)
  func levels(level: RowKernels, format: NumberFormat) {
    for (values, weights) in Self.rows {
      let found = level.encodedOptimally(format, values, weights)
      let expected = RowKernels.scalar.encodedOptimally(format, values, weights)
      #expect(firstDifference(found, expected) == nil)
    }
  }

  @Test("a block is encoded the same wherever it stands", arguments: formats)
  func places(format: NumberFormat) {
    let rows = SuperBlockRows(count: 9, seed: 45)
    let whole = RowKernels.best.encodedOptimally(format, rows.values, rows.weights)
    for count in 0...9 {
      for first in 0...(9 - count) {
        let elements = 256 * first..<256 * (first + count)
        let bytes = format.byteCount(elements: 256) ?? 0
        let part = RowKernels.best.encodedOptimally(
          format, Array(rows.values[elements]), Array(rows.weights[elements]))
        #expect(part == Array(whole[bytes * first..<bytes * (first + count)]))
      }
    }
  }

  @Test("only ratios of weights count", arguments: formats)
  func weightsScale(format: NumberFormat) {
    let rows = SuperBlockRows(count: 5, seed: 47)
    let once = RowKernels.best.encodedOptimally(format, rows.values, rows.weights)
    for factor: Float in [0x1p-90, 0x1p100] {
      let scaled = rows.weights.map { $0 * factor }
      #expect(RowKernels.best.encodedOptimally(format, rows.values, scaled) == once)
    }
  }

  @Test("a block of zeros is stored as the reference stores it", arguments: formats)
  func zeros(format: NumberFormat) {
    for zero: Float in [0, -0.0, .leastNonzeroMagnitude, -0x1p-26] {
      let values = [Float](repeating: zero, count: 512)
      #expect(
        RowKernels.best.encodedOptimally(format, values, nil)
          == RowKernels.best.encoded(format, [Float](repeating: 0, count: 512)))
    }
  }

  @Test(
    "an F16 scale is infinite where the plain rule's would be, and nowhere else",
    arguments: [
      (.q4_1, 15, 0), (.q5_1, 31, 0), (.q4_k, 15 * 63, 0), (.q5_k, 31 * 63, 0),
      (.q6_k, 32 * 128, 208), (.iq4_xs, 127 * 32, 0),
    ] as [(NumberFormat, Float, Int)])
  func overflow(format: NumberFormat, largest: Float, offset: Int) {
    var values = [Float](repeating: 0, count: 256)
    for infinite in [65520 * largest, 1e38] {
      values[3] = infinite
      #expect(scale(format, values, offset).isInfinite)
    }
    values[3] = 65000 * largest
    #expect(scale(format, values, offset).isFinite)
  }

  @Test("only blocks of huge values decode to anything but finite numbers", arguments: formats)
  func finite(format: NumberFormat) throws {
    for (values, weights) in Self.rows {
      let bytes = RowKernels.best.encodedOptimally(format, values, weights)
      let output = try #require(ReferenceDecoder.decode(format, bytes))
      for start in stride(from: 0, to: values.count, by: format.blockElements) {
        let block = start..<start + format.blockElements
        let largest = values[block].reduce(0) { max($0, abs($1)) }
        let isFinite = output[block].allSatisfy { $0.isFinite }
        #expect(isFinite || largest >= 30000)
      }
    }
  }

  @Test("weights of one column lower its error", arguments: formats)
  func oneHot(format: NumberFormat) throws {
    let rows = SuperBlockRows(count: 40, seed: 48).values
    let column = rows.indices.map { Float($0 % 32 == 5 ? 1 : 0) }
    for (others, factor) in [(Float(0), 0.25), (0.01, 0.9)] {
      let weights = column.map { $0 + others * (1 - $0) }
      let plain = try #require(
        ReferenceDecoder.decode(format, RowKernels.best.encodedOptimally(format, rows, nil)))
      let weighted = try #require(
        ReferenceDecoder.decode(format, RowKernels.best.encodedOptimally(format, rows, weights)))
      #expect(
        squaredError(rows[...], weighted[...], column[...])
          < factor * squaredError(rows[...], plain[...], column[...]))
    }
  }

  private func scale(_ format: NumberFormat, _ values: [Float], _ offset: Int) -> Float {
    let block = RowKernels.best.encodedOptimally(format, values, nil)
    return F16.decode(UInt16(block[offset]) | UInt16(block[offset + 1]) << 8)
  }
}
