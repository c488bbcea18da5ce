import CKernels
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

/// Super-blocks that no search of runs one by one is made for.
@Suite struct OptimalUnusualTests {
  static let formats: [NumberFormat] = [.q4_1, .q5_1, .q4_k, .q5_k, .q6_k, .iq4_xs]
  static let values = ArtificialRows.superBlocks(2000, seed: 71)
  static let weights = SuperBlockRows(count: 2000, seed: 72).weights

  @Test("no artificial super-block is worse than the reference", arguments: formats, [false, true])
  func reference(format: NumberFormat, weighted: Bool) throws {
    let weights = weighted ? Self.weights : [Float](repeating: 1, count: Self.values.count)
    let found = RowKernels.best.encodedOptimally(format, Self.values, weighted ? weights : nil)
    let output = try #require(ReferenceDecoder.decode(format, found))
    let reference = RowKernels.best.encoded(format, Self.values)
    let expected = try #require(ReferenceDecoder.decode(format, reference))
    for start in stride(from: 0, to: Self.values.count, by: 256) {
      let block = start..<start + 256
      let error = squaredError(Self.values[block], output[block], weights[block])
      let most = squaredError(Self.values[block], expected[block], weights[block])
      #expect(error <= most, "super-block \(start / 256)")
    }
  }

  @Test("levels agree on artificial super-blocks", arguments: RowKernels.available, formats)
  func levels(level: RowKernels, format: NumberFormat) {
    for weights in [nil, Self.weights] {
      let found = level.encodedOptimally(format, Self.values, weights)
      let expected = RowKernels.scalar.encodedOptimally(format, Self.values, weights)
      #expect(firstDifference(found, expected) == nil)
    }
  }
}
