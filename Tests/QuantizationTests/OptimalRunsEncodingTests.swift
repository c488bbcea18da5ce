import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

/// What holds for rows encoded with a scale and a minimum, or with scales of scales, of least error.
@Suite struct OptimalRunsEncodingTests {
  static let formats: [NumberFormat] = [.q4_1, .q5_1, .q4_k, .q5_k, .q6_k, .iq4_xs]

  private func encoded(_ format: NumberFormat, _ values: [Float], _ weights: [Float]?) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: format.byteCount(elements: values.count) ?? 0)
    values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        guard let weights else {
          return RowKernels.best.encodeOptimally(format, values, weights: nil, into: bytes)
        }
        weights.withUnsafeBufferPointer {
          RowKernels.best.encodeOptimally(format, values, weights: $0, into: bytes)
        }
      }
    }
    return bytes
  }

  private func decoded(_ format: NumberFormat, _ values: [Float], _ weights: [Float]? = nil) throws
    -> [Float]
  {
    try #require(ReferenceDecoder.decode(format, encoded(format, values, weights)))
  }

  private func errors(
    _ values: [Float], _ output: [Float], _ weights: [Float]? = nil, length: Int
  ) -> [Double] {
    stride(from: 0, to: values.count, by: length).map { start in
      (start..<start + length).reduce(0) { sum, index in
        let error = Double(values[index]) - Double(output[index])
        return sum + Double(weights?[index] ?? 1) * error * error
      }
    }
  }

  /// Mean and largest excess over the least errors, in decibels.
  private func excess(_ errors: [Double], over least: [Double]) -> (mean: Double, worst: Double) {
    let decibels = zip(errors, least).map { 10 * log10($0 / $1) }
    return (decibels.reduce(0, +) / Double(decibels.count), decibels.max() ?? 0)
  }

  @Test(
    "a dense search over scale and minimum finds next to nothing better",
    arguments: [(.q4_1, 15), (.q5_1, 31)] as [(NumberFormat, Int)])
  func affineGap(format: NumberFormat, top: Int) throws {
    let values = SuperBlockRows(count: 16, seed: 51).values
    let ones = [Float](repeating: 1, count: values.count)
    let least = stride(from: 0, to: values.count, by: 32).map { start in
      let block = start..<start + 32
      let elements = DenseSearch.Element.list(values[block], ones[block])
      return DenseSearch.affine(elements, top: top, minimumIsFree: true).error
    }
    let found = errors(values, try decoded(format, values), length: 32)
    let gap = excess(found, over: least)
    #expect(gap.mean <= 0.01 && gap.worst <= 0.5)
  }

  @Test(
    "a dense search over a super-block's scales and integers finds little better",
    arguments: [
      (.q4_k, 0.02, 0.1), (.q5_k, 0.05, 0.2), (.q6_k, 0.02, 0.1), (.iq4_xs, 0.02, 0.1),
    ] as [(NumberFormat, Double, Double)])
  func superBlockGap(format: NumberFormat, mean: Double, worst: Double) throws {
    let values = SuperBlockRows(count: 10, seed: 52).values
    let ones = [Float](repeating: 1, count: 256)
    let least = stride(from: 0, to: values.count, by: 256).map { start in
      leastError(format, DenseSearch.Element.list(values[start..<start + 256], ones[...]))
    }
    let found = errors(values, try decoded(format, values), length: 256)
    let gap = excess(found, over: least)
    #expect(gap.mean <= mean && gap.worst <= worst)
  }

  private func leastError(_ format: NumberFormat, _ elements: [DenseSearch.Element]) -> Double {
    switch format {
    case .q4_k: DenseSearch.scaleAndMinimum(elements, top: 15)
    case .q5_k: DenseSearch.scaleAndMinimum(elements, top: 31)
    case .q6_k:
      DenseSearch.scaleOfScales(
        elements, runLength: 16, values: (-32...31).map(Double.init), integers: -128...127)
    default:
      DenseSearch.scaleOfScales(
        elements, runLength: 32,
        values: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
        integers: -32...31)
    }
  }

  @Test(
    "what was decoded is encoded exactly, but for the share of blocks measured",
    arguments: [
      (.q4_1, 0.005), (.q5_1, 0.005), (.q4_k, 0.02), (.q5_k, 0.1), (.q6_k, 0.005),
      (.iq4_xs, 0.005),
    ] as [(NumberFormat, Double)])
  func exactAgain(format: NumberFormat, exceptions: Double) throws {
    let output = try decoded(format, SuperBlockRows(count: 400, seed: 53).values)
    let again = errors(output, try decoded(format, output), length: format.blockElements)
    let inexact = again.filter { $0 != 0 }.count
    #expect(Double(inexact) <= exceptions * Double(again.count) + 1)
  }

  @Test("twice the row has twice the scales and the same codes", arguments: formats)
  func powersOfTwo(format: NumberFormat) throws {
    let values = SuperBlockRows(count: 100, seed: 54, units: 1...2).values
    let once = try decoded(format, values)
    for factor: Float in [2, 16, 128] {
      #expect(try decoded(format, values.map { $0 * factor }) == once.map { $0 * factor })
    }
  }

  @Test("no block is worse than by the reference rule", arguments: formats)
  func neverWorse(format: NumberFormat) throws {
    let values = SuperBlockRows(count: 400, seed: 55).values
    let reference = try format.decode(format.encode(values))
    let pairs = zip(
      errors(values, try decoded(format, values), length: format.blockElements),
      errors(values, reference, length: format.blockElements))
    for (optimal, rule) in pairs { #expect(optimal <= rule * (1 + 1e-6)) }
  }

  @Test("weights lower the weighted error", arguments: formats)
  func weighted(format: NumberFormat) throws {
    let rows = SuperBlockRows(count: 200, seed: 56)
    let plain = errors(
      rows.values, try decoded(format, rows.values), rows.weights, length: rows.values.count)
    let weighted = errors(
      rows.values, try decoded(format, rows.values, rows.weights), rows.weights,
      length: rows.values.count)
    #expect(weighted[0] < 0.85 * plain[0])
  }

  @Test(
    "Gaussian rows keep what was measured",
    arguments: [
      (.q4_1, 23.2), (.q5_1, 29.6), (.q4_k, 23.18), (.q5_k, 29.45), (.q6_k, 35.65),
      (.iq4_xs, 22.6),
    ] as [(NumberFormat, Double)])
  func decibels(format: NumberFormat, least: Double) throws {
    // The sizes of rows fill an octave, so that no power of two is favoured.
    var generator = SeededGenerator(seed: 57)
    let values = (0..<64).flatMap { row in
      (0..<1024).map { _ in
        Float(exp2(Double(row) / 64) * WeightedRows.gaussian(&generator))
      }
    }
    let noise = errors(values, try decoded(format, values), length: 256).reduce(0, +)
    let signal = values.reduce(0) { $0 + Double($1) * Double($1) }
    #expect(10 * log10(signal / noise) >= least)
  }
}
