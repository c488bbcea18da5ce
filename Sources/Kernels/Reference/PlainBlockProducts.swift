import QuernQuantization
import QuernTensors

/// The judge of the products of block formats: activations rounded in plain Swift, weights decoded by
/// the reference decoder, sums in double. See `formats/products`.
package enum PlainBlockProducts {
  /// A row of activations as it is rounded: an element is scale · code.
  struct Activations {
    /// One for each element; the 16-bit types and float32 have scales of 1.
    var codes: [Float] = []
    var scales: [Float] = []
    /// What stands for the sum of each 32 elements. Q8_1 alone has them.
    var sums: [Float] = []
  }

  static func rounded(_ values: [Float], to rounding: ActivationRounding) -> Activations {
    var row = Activations()
    switch rounding {
    case .f32: row.codes = values
    case .f16: row.codes = values.map(HalfType.f16.rounded)
    case .bf16: row.codes = values.map(HalfType.bf16.rounded)
    case .q8_0, .q8_1, .q8_k:
      for start in stride(from: 0, to: values.count, by: rounding.blockElements) {
        append(values[start..<start + rounding.blockElements], rounding, to: &row)
      }
      return row
    }
    row.scales = row.codes.map { _ in 1 }
    return row
  }

  private static func append(
    _ block: ArraySlice<Float>, _ rounding: ActivationRounding, to row: inout Activations
  ) {
    var largest: Float = 0
    for value in block where value.magnitude > largest.magnitude { largest = value }
    let isWide = rounding == .q8_k
    var factor = isWide ? -127 / largest : 127 / largest.magnitude
    if factor.isInfinite { factor = 0 }
    let scale = isWide ? (factor == 0 ? 0 : 1 / factor) : largest.magnitude / 127
    let codes = block.map { ($0 * factor).rounded(.toNearestOrEven) }
    row.codes += codes
    row.scales += codes.map { _ in isWide ? scale : HalfType.f16.rounded(scale) }
    if rounding == .q8_1 { row.sums.append(HalfType.f16.rounded(scale * codes.reduce(0, +))) }
  }

  /// The product of one row of weights with one of activations, and the sum of the magnitudes that it
  /// is made of, which bounds what other orders of adding can change.
  static func product(
    _ x: Activations, _ weights: [UInt8], _ format: NumberFormat
  ) -> (value: Double, size: Double) {
    guard let values = ReferenceDecoder.decode(format, weights) else {
      preconditionFailure("\(weights.count) bytes are no row of \(format.rawValue)")
    }
    let minima = minima(weights, format)
    var (sum, size) = (0.0, 0.0)
    for index in values.indices {
      let minimum = minima.isEmpty ? 0 : Double(minima[index / 32])
      let weight = Double(values[index]) - minimum
      let product = weight * Double(x.scales[index]) * Double(x.codes[index])
      sum += product
      size += product.magnitude
    }
    for (minimum, own) in zip(minima, x.sums) {
      sum += Double(minimum) * Double(own)
      size += Double((minimum * own).magnitude)
    }
    return (sum, size)
  }

  /// Of Q4_1 and Q5_1: what every element of a block has in common, and meets the sums of Q8_1.
  private static func minima(_ weights: [UInt8], _ format: NumberFormat) -> [Float] {
    guard format.activationRounding == .q8_1 else { return [] }
    return stride(from: 0, to: weights.count, by: format.blockBytes).map { start in
      F16.decode(UInt16(weights[start + 2]) | UInt16(weights[start + 3]) << 8)
    }
  }
}
