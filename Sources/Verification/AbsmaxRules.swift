import QuernQuantization
import QuernTensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one-pass rules of the formats, from their definition (`formats/blocks`) and without the
/// encoders: each says whether a block is what the rule gives, and what its error would be.
struct AbsmaxRules {
  /// Whether a stored block follows the rule; nil for formats that have none or whose search is not
  /// restated here.
  static func hold(
    _ format: NumberFormat, _ source: UnsafeBufferPointer<Float>,
    _ stored: UnsafeRawBufferPointer, _ decoded: UnsafeBufferPointer<Float>
  ) -> Bool? {
    switch format {
    case .q8_0: isQ8_0(source, stored)
    case .q4_0: isSigned(source, stored, codes: 16, at: 2)
    case .q5_0: isSigned(source, stored, codes: 32, at: 6)
    case .q4_1: isRange(source, stored, codes: 16, at: 4)
    case .q5_1: isRange(source, stored, codes: 32, at: 8)
    case .mxfp4: isMXFP4(source, stored, decoded)
    case .nvfp4: isNVFP4(source, stored)
    case .f32, .f16, .bf16, .i32, .iq4_nl, .q4_k, .q5_k, .q6_k, .iq4_xs: nil
    }
  }

  private static func largestMagnitude(_ values: UnsafeBufferPointer<Float>) -> Float {
    var largest: Float = 0
    for value in values where value.magnitude > largest { largest = value.magnitude }
    return largest
  }

  /// d = largest magnitude ÷ 127, codes rounded half away from zero; all zero where 1/d overflows.
  private static func isQ8_0(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer
  ) -> Bool {
    var step = largestMagnitude(source) / 127
    if step == 0 || (1 / step).isInfinite { step = 0 }
    let inverse = step == 0 ? 0 : 1 / step
    guard stored.littleEndianUInt16(at: 0) == F16.encode(step) else { return false }
    var isRight = true
    for index in 0..<32 {
      let scaled = source[index] * inverse
      // In double the addition is exact, so that cutting off rounds half away from zero.
      let magnitude = Int32(Double(scaled.magnitude) + 0.5)
      let code = Int32(Int8(bitPattern: stored[2 + index]))
      isRight = isRight && code == (scaled < 0 ? -magnitude : magnitude)
    }
    return isRight
  }

  /// Q4_0 and Q5_0: d = the element of largest magnitude ÷ −n/2; codes ⌊x/d + n/2 + ½⌋, at most n − 1.
  private static func isSigned(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer, codes: Int,
    at start: Int
  ) -> Bool {
    var largest: Float = 0
    for value in source where value.magnitude > largest.magnitude { largest = value }
    let half = Float(codes / 2)
    var step = largest / -half
    if step == 0 || (1 / step).isInfinite { step = -0.0 }
    let inverse = step == 0 ? 0 : 1 / step
    return stored.littleEndianUInt16(at: 0) == F16.encode(step)
      && source.indices.allSatisfy { index in
        let place = (source[index] * inverse + (half + 0.5)).rounded(.down)
        return Float(code(stored, index, codes, start, 2)) == min(Float(codes - 1), place)
      }
  }

  /// Q4_1 and Q5_1: m = the smallest element, d = (largest − m) ÷ (n − 1); codes ⌊(x − m)/d + ½⌋.
  private static func isRange(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer, codes: Int,
    at start: Int
  ) -> Bool {
    let (least, most) = (source.min() ?? 0, source.max() ?? 0)
    var step = (most - least) / Float(codes - 1)
    if step == 0 || (1 / step).isInfinite { step = 0 }
    let inverse = step == 0 ? 0 : 1 / step
    // Which of two zeros is the minimum is not fixed.
    let minimum = F16.decode(stored.littleEndianUInt16(at: 2))
    return stored.littleEndianUInt16(at: 0) == F16.encode(step)
      && minimum == F16.decode(F16.encode(least))
      && source.indices.allSatisfy { index in
        let place = ((source[index] - least) * inverse + 0.5).rounded(.down)
        return Float(code(stored, index, codes, start, 4)) == min(Float(codes - 1), place)
      }
  }

  /// The code of an element: four bits of a byte, and a fifth bit where there are 32 codes.
  private static func code(
    _ stored: UnsafeRawBufferPointer, _ index: Int, _ codes: Int, _ start: Int, _ fifth: Int
  ) -> Int {
    let byte = Int(stored[start + index % 16])
    let low = index < 16 ? byte & 15 : byte >> 4
    guard codes == 32 else { return low }
    return low + 16 * Int(stored.littleEndianUInt32(at: fifth) >> UInt32(index) & 1)
  }

  /// The scale's exponent is that of the largest magnitude less 2, one more where its logarithm
  /// rounds up to an integer; every value is the nearest of the grid, the smaller one on ties.
  private static func isMXFP4(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer,
    _ decoded: UnsafeBufferPointer<Float>
  ) -> Bool {
    let logarithm = log2(Double(largestMagnitude(source)))
    let exponents = [logarithm.rounded(.down), (logarithm + 1e-6).rounded(.down)]
    guard exponents[1] - 2 + 127 >= 0 else { return stored.allSatisfy { $0 == 0 } }
    let byte = Double(stored[0])
    guard exponents.contains(byte + 2 - 127) || (byte == 0 && exponents[0] - 2 + 127 < 0) else {
      return false
    }
    let grid = (0..<8).map { E2M1.decode(UInt8($0)) * E8M0.decode(stored[0]) }
    return source.indices.allSatisfy { index in
      let (value, written) = (source[index], decoded[index])
      guard written == 0 || (written < 0) == (value < 0) else { return false }
      let smallest = grid.reduce(Float.infinity) { min($0, ($1 - value.magnitude).magnitude) }
      return (written.magnitude - value.magnitude).magnitude == smallest
    }
  }

  /// The scale of 16 elements is their largest magnitude ÷ 6 in UE4M3, to the nearest with ties upwards;
  /// from 256 on 448, and below 2^-6 at most 7 · 2^-9.
  private static func isNVFP4(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer
  ) -> Bool {
    for group in 0..<4 {
      let values = UnsafeBufferPointer(rebasing: source[16 * group..<16 * (group + 1)])
      let wanted = min(448, largestMagnitude(values) / 6)
      let byte = stored[group]
      guard wanted >= 0x1p-6 else {
        guard Float(byte) == min(7, (wanted * 512 + 0.5).rounded(.down)) else { return false }
        continue
      }
      let eighths = (wanted.significand * 8 + 0.5).rounded(.down)
      let scale = Float(sign: .plus, exponent: Int(wanted.exponent) - 3, significand: eighths)
      guard byte <= 0x7e, E4M3.decode(byte) == (scale >= 256 ? 448 : scale) else { return false }
    }
    return NearestCodes.ties.hold(.nvfp4, source, stored)
  }
}

// MARK: - Errors

extension AbsmaxRules {
  /// The squared error of a block under the rule, which an encoder of least squares must not exceed;
  /// nil where the rule is not restated here, or has no finite scale.
  static func error(_ format: NumberFormat, _ source: UnsafeBufferPointer<Float>) -> Double? {
    var (least, most): (Float, Float) = (0, 0)
    var signed: Float = 0
    for value in source {
      (least, most) = (min(least, value), max(most, value))
      if value.magnitude > signed.magnitude { signed = value }
    }
    switch format {
    case .q8_0: return error(source, step: signed.magnitude / 127, range: -127...127)
    case .q4_0: return error(source, step: signed / -8, range: -8...7)
    case .q5_0: return error(source, step: signed / -16, range: -16...15)
    case .mxfp4: return errorMXFP4(source, signed.magnitude)
    default: return nil
    }
  }

  /// With the step as an F16 and the nearest codes: no more than with the codes of the rule.
  private static func error(
    _ source: UnsafeBufferPointer<Float>, step: Float, range: ClosedRange<Double>
  ) -> Double? {
    let stored = Double(F16.decode(F16.encode(step)))
    guard stored.isFinite else { return nil }
    return source.reduce(0) { sum, value in
      let place = stored == 0 ? 0 : (Double(value) / stored).rounded()
      let error = Double(value) - stored * min(max(place, range.lowerBound), range.upperBound)
      return sum + error * error
    }
  }

  private static func errorMXFP4(_ source: UnsafeBufferPointer<Float>, _ largest: Float) -> Double?
  {
    guard largest > 0x1p-120 else { return nil }
    let scale = Double(sign: .plus, exponent: Int(largest.exponent) - 2, significand: 1)
    let grid = (0..<8).map { Double(E2M1.decode(UInt8($0))) * scale }
    return source.reduce(0) { sum, value in
      let magnitude = Double(value.magnitude)
      let smallest = grid.reduce(Double.infinity) { min($0, ($1 - magnitude).magnitude) }
      return sum + smallest * smallest
    }
  }
}
