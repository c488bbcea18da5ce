import CKernels
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

/// The `optimal` encoders of formats with one scale for each block or group.
@Suite struct OptimalScaleTests {
  static let exact: [(NumberFormat, ScaleJudge)] = [
    (.q4_0, .q4_0), (.q5_0, .q5_0), (.iq4_nl, .iq4_nl), (.mxfp4, .mxfp4), (.nvfp4, .nvfp4),
  ]
  static let formats: [NumberFormat] = [.q4_0, .q5_0, .iq4_nl, .mxfp4, .nvfp4, .q8_0]

  @Test("no storable scale is better, on 1,000 blocks", arguments: exact)
  func exactness(format: NumberFormat, judge: ScaleJudge) throws {
    let rows = WeightedRows(blocks: 1000, seed: 11)
    let blocks = RowKernels.best.encodedOptimally(format, rows.values, rows.weights)
    let output = try #require(ReferenceDecoder.decode(format, blocks))
    let length = format == .nvfp4 ? 16 : 32
    for start in stride(from: 0, to: rows.values.count, by: length) {
      let group = start..<start + length
      let found = squaredError(rows.values[group], output[group], rows.weights[group])
      let least = judge.leastError(rows.values[group], weights: rows.weights[group])
      #expect(found <= least * (1 + 1e-12), "group at \(start)")
    }
  }

  @Test("levels agree, with weights and without", arguments: RowKernels.available, formats)
  func levels(level: RowKernels, format: NumberFormat) {
    let rows = WeightedRows(blocks: 1300, seed: 12)
    let edges = EdgeRows.blocks(600, seed: 13)
    let pairs: [([Float], [Float]?)] = [
      (rows.values, rows.weights), (rows.values, nil), (edges, nil),
      (edges, Array(rows.weights.prefix(edges.count))),
    ]
    for (values, weights) in pairs {
      let found = level.encodedOptimally(format, values, weights)
      let expected = RowKernels.scalar.encodedOptimally(format, values, weights)
      #expect(firstDifference(found, expected) == nil)
    }
  }

  @Test(
    "weights that are all zero count the same", arguments: RowKernels.available,
    formats + OptimalRunsTests.formats)
  func noWeights(level: RowKernels, format: NumberFormat) {
    let values = SuperBlockRows(count: 5, seed: 46).values
    let zeros = [Float](repeating: 0, count: values.count)
    #expect(
      level.encodedOptimally(format, values, zeros) == level.encodedOptimally(format, values, nil))
  }

  @Test("a block of zeros is stored as the reference stores it", arguments: formats)
  func zeros(format: NumberFormat) {
    for zero: Float in [0, -0.0] {
      let values = [Float](repeating: zero, count: 64)
      #expect(
        RowKernels.best.encodedOptimally(format, values, nil)
          == RowKernels.best.encoded(format, [Float](repeating: 0, count: 64)))
    }
  }

  @Test("an F16 scale is infinite where it would round to that, and nowhere else")
  func overflow() {
    for (format, largest) in [(NumberFormat.q4_0, Float(8)), (.q5_0, 16), (.iq4_nl, 127)] {
      var values = [Float](repeating: 1, count: 32)
      values[3] = -65520 * largest
      #expect(scale(format, values).isInfinite)
      values[3] = 1e38
      #expect(scale(format, values).isInfinite)
      values[3] = (-65520 * largest).nextUp
      #expect(scale(format, values).isFinite)
    }
  }

  @Test("weights of one column lower its error", arguments: formats)
  func oneHot(format: NumberFormat) throws {
    let rows = WeightedRows(blocks: 1300, seed: 15).values
    let weights = rows.indices.map { Float($0 % 32 == 5 ? 1 : 0.01) }
    let column = rows.indices.map { Float($0 % 32 == 5 ? 1 : 0) }
    let plain = try #require(
      ReferenceDecoder.decode(format, RowKernels.best.encodedOptimally(format, rows, nil)))
    let weighted = try #require(
      ReferenceDecoder.decode(format, RowKernels.best.encodedOptimally(format, rows, weights)))
    #expect(
      squaredError(rows[...], weighted[...], column[...])
        < squaredError(rows[...], plain[...], column[...]))
  }

  private func scale(_ format: NumberFormat, _ values: [Float]) -> Float {
    let block = RowKernels.best.encodedOptimally(format, values, nil)
    return F16.decode(UInt16(block[0]) | UInt16(block[1]) << 8)
  }
}

extension RowKernels {
  func encodedOptimally(_ format: NumberFormat, _ values: [Float], _ weights: [Float]?) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: format.byteCount(elements: values.count) ?? 0)
    values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        guard let weights else {
          return encodeOptimally(format, values, weights: nil, into: bytes)
        }
        weights.withUnsafeBufferPointer {
          encodeOptimally(format, values, weights: $0, into: bytes)
        }
      }
    }
    return bytes
  }
}

/// Σ weight·(value − output)².
func squaredError(
  _ values: ArraySlice<Float>, _ output: ArraySlice<Float>, _ weights: ArraySlice<Float>
) -> Double {
  zip(zip(values, output), weights).reduce(0) { sum, element in
    let error = Double(element.0.0) - Double(element.0.1)
    return sum + Double(element.1) * error * error
  }
}
