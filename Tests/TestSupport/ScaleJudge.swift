import QuernTensors

/// The least error that any storable scale gives a block, found by trying all of them.
///
/// Shares nothing with the encoders: sums in double, values looked up among those of the format.
package struct ScaleJudge: Sendable {
  /// What a block decodes to, over its scale, in ascending order.
  private let values: [Double]
  private let scales: [Double]
  /// The last value not above an integer, from the smallest value on.
  private let lookup: [Int]

  package init(values: [Int], scales: [Float]) {
    self.values = values.map(Double.init)
    self.scales = scales.map(Double.init)
    let range = (values.first ?? 0)...(values.last ?? 0)
    lookup = range.map { integer in values.lastIndex { $0 <= integer } ?? 0 }
  }

  /// Every finite F16 of either sign.
  package static let f16Scales: [Float] = (0..<0x7C00).flatMap { (bits: Int) -> [Float] in
    [F16.decode(UInt16(bits)), -F16.decode(UInt16(bits))]
  }

  package static let q4_0 = ScaleJudge(values: Array(-8...7), scales: f16Scales)
  package static let q5_0 = ScaleJudge(values: Array(-16...15), scales: f16Scales)
  package static let iq4_nl = ScaleJudge(
    values: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
    scales: f16Scales)
  private static let e2m1 = [-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12]
  /// Halves of powers of two, as far up as all values are finite.
  package static let mxfp4 = ScaleJudge(
    values: e2m1, scales: (0...252).map { E8M0.decode(UInt8($0)) / 2 })
  /// Halves of the non-negative numbers of E4M3.
  package static let nvfp4 = ScaleJudge(
    values: e2m1, scales: (0...0x7E).map { E4M3.decode(UInt8($0)) / 2 })

  /// Σ weight·(value − decoded)² under the best scale.
  package func leastError(_ block: ArraySlice<Float>, weights: ArraySlice<Float>) -> Double {
    let elements = zip(block, weights).map { (value: Double($0), weight: Double($1)) }
    return scales.reduce(Double.infinity) { least, scale in
      var sum = 0.0
      for (value, weight) in elements where sum <= least {
        let error = value - scale * nearest(scale == 0 ? 0 : value / scale)
        sum += weight * error * error
      }
      return min(sum, least)
    }
  }

  private func nearest(_ number: Double) -> Double {
    guard number > values[0] else { return values[0] }
    guard number < values[values.count - 1] else { return values[values.count - 1] }
    let below = lookup[Int((number - values[0]).rounded(.down))]
    let (low, high) = (values[below], values[below + 1])
    return number - low <= high - number ? low : high
  }
}

/// Short, as the test log prints the arguments of tests.
extension ScaleJudge: CustomStringConvertible {
  package var description: String { "\(values.count) values, \(scales.count) scales" }
}
