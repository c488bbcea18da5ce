import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

/// What holds for every row that is encoded with the scales of least error.
@Suite struct OptimalEncodingTests {
  static let formats: [NumberFormat] = [.q4_0, .q5_0, .iq4_nl, .mxfp4, .nvfp4, .q8_0]

  /// Gaussian rows of the size of weights.
  private func rows(_ blocks: Int, seed: UInt64, unit: Double = 0.5) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<32 * blocks).map { _ in Float(unit * WeightedRows.gaussian(&generator)) }
  }

  private func decoded(_ format: NumberFormat, _ values: [Float]) throws -> [Float] {
    try #require(ReferenceDecoder.decode(format, encoded(format, values)))
  }

  private func encoded(_ format: NumberFormat, _ values: [Float]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: format.byteCount(elements: values.count) ?? 0)
    values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes {
        RowKernels.best.encodeOptimally(format, values, weights: nil, into: $0)
      }
    }
    return bytes
  }

  private func errors(_ values: [Float], _ output: [Float], length: Int) -> [Double] {
    stride(from: 0, to: values.count, by: length).map { start in
      (start..<start + length).reduce(0) { sum, index in
        let error = Double(values[index]) - Double(output[index])
        return sum + error * error
      }
    }
  }

  @Test("what was decoded is encoded exactly", arguments: formats)
  func exactAgain(format: NumberFormat) throws {
    let output = try decoded(format, rows(2000, seed: 21))
    #expect(try decoded(format, output) == output)
  }

  @Test("twice the row has twice the scales and the same codes", arguments: formats)
  func powersOfTwo(format: NumberFormat) throws {
    let values = rows(1000, seed: 22)
    let once = try decoded(format, values)
    for factor: Float in [0.5, 2, 16] {
      #expect(try decoded(format, values.map { $0 * factor }) == once.map { $0 * factor })
    }
  }

  @Test("no block is worse than by the reference rule", arguments: formats)
  func neverWorse(format: NumberFormat) throws {
    let values = rows(2000, seed: 23)
    let reference = try format.decode(format.encode(values))
    let length = format == .nvfp4 ? 16 : 32
    let pairs = zip(
      errors(values, try decoded(format, values), length: length),
      errors(values, reference, length: length))
    for (optimal, rule) in pairs { #expect(optimal <= rule * (1 + 1e-12)) }
  }

  @Test(
    "Gaussian rows keep what was measured",
    arguments: [
      (.q4_0, 21.8), (.q5_0, 27.9), (.iq4_nl, 22.64), (.mxfp4, 18.97), (.nvfp4, 21.72),
      (.q8_0, 46.4),
    ] as [(NumberFormat, Double)])
  func decibels(format: NumberFormat, least: Double) throws {
    // The sizes of rows fill an octave, so that no power of two is favoured.
    let values = (0..<64).flatMap { row in
      rows(32, seed: 30 + UInt64(row), unit: exp2(Double(row) / 64))
    }
    let noise = errors(values, try decoded(format, values), length: 32).reduce(0, +)
    let signal = values.reduce(0) { $0 + Double($1) * Double($1) }
    #expect(10 * log10(signal / noise) >= least)
  }
}
