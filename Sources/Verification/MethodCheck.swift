import QuernConversion
import QuernQuantization
import QuernTensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Checks that stored blocks are what the method of their tensor gives for the source values.
///
/// A certificate that honestly measures what a broken encoder wrote would pass a comparison of
/// figures. So the rule of each method is stated here once more, from the format's definition and
/// without the encoders: the nearest value, the scale that follows from the largest magnitude, the
/// smallest error among the steps of the grid.
struct MethodCheck {
  let method: PlannedTensor.Method
  let format: NumberFormat

  /// The first block that breaks the rule, or nil; an element counts as a block of one.
  ///
  /// - Parameters:
  ///   - stored: the bytes of whole blocks.
  ///   - decoded: their values.
  ///   - scales: E8M0 bytes of the source, one for each block, where it is on the FP4 grid.
  func firstViolation(
    source: UnsafeBufferPointer<Float>, stored: UnsafeRawBufferPointer,
    decoded: UnsafeBufferPointer<Float>, scales: [UInt8]?
  ) -> Int? {
    switch format {
    case .f32, .i32: return nil
    case .f16:
      return source.indices.first {
        stored.littleEndianUInt16(at: 2 * $0) != F16.encode(source[$0])
      }
    case .bf16:
      return source.indices.first {
        stored.littleEndianUInt16(at: 2 * $0) != BF16.encode(source[$0])
      }
    case .q8_0, .q4_0, .mxfp4:
      return (0..<source.count / 32).first { block in
        let elements = 32 * block..<32 * (block + 1)
        let size = format.blockBytes
        return !isRight(
          UnsafeBufferPointer(rebasing: source[elements]),
          UnsafeRawBufferPointer(rebasing: stored[block * size..<(block + 1) * size]),
          UnsafeBufferPointer(rebasing: decoded[elements]), scale: scales?[block])
      }
    }
  }

  private func isRight(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer,
    _ decoded: UnsafeBufferPointer<Float>, scale: UInt8?
  ) -> Bool {
    if method == .gridAware, let scale {
      // Equal values need no rule. Where no exact code exists the encoders fall back to absmax.
      if source.elementsEqual(decoded) { return true }
      if format == .q4_0, (105...142).contains(scale) {
        return Self.isBestStep(source, decoded, scale)
      }
    }
    switch format {
    case .q8_0: return Self.isAbsmaxQ8_0(source, stored)
    case .q4_0: return Self.isAbsmaxQ4_0(source, stored)
    default: return Self.isAbsmaxMXFP4(source, stored, decoded)
    }
  }

  // MARK: Rules

  private static func largestMagnitude(_ values: UnsafeBufferPointer<Float>) -> Float {
    var largest: Float = 0
    for value in values where value.magnitude > largest { largest = value.magnitude }
    return largest
  }

  /// d = largest magnitude ÷ 127, codes rounded half away from zero; all zero where 1/d overflows.
  private static func isAbsmaxQ8_0(
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

  /// d = the element of largest magnitude ÷ −8; codes ⌊x/d + 8.5⌋, at most 15.
  private static func isAbsmaxQ4_0(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer
  ) -> Bool {
    var largest: Float = 0
    for value in source where value.magnitude > largest.magnitude { largest = value }
    var step = largest / -8
    if step == 0 || (1 / step).isInfinite { step = -0.0 }
    let inverse = step == 0 ? 0 : 1 / step
    return stored.littleEndianUInt16(at: 0) == F16.encode(step)
      && source.indices.allSatisfy { index in
        let byte = stored[2 + index % 16]
        let code = index < 16 ? byte & 15 : byte >> 4
        return Float(code) == min(15, (source[index] * inverse + 8.5).rounded(.down))
      }
  }

  /// The scale's exponent is that of the largest magnitude less 2, one more where its logarithm
  /// rounds up to an integer; every value is the nearest of the grid, the smaller one on ties.
  private static func isAbsmaxMXFP4(
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

  /// Squared errors of the grid's values 0 ½ 1 1½ 2 3 4 6 and their negatives, by code, under each
  /// step of ±{1, 1½, 2, 3, 4} units, the unit being ½. All are multiples of ¼, so that sums of them
  /// are exact. The last six elements are of no step and larger than any sum.
  private static let stepErrors: [SIMD16<Float>] = (0..<16).map { code in
    let value = Float(E2M1.decode(UInt8(code))) * 2
    var errors = SIMD16<Float>(repeating: 65536)
    for (index, halves) in [2, 3, 4, 6, 8, -2, -3, -4, -6, -8].enumerated() {
      errors[index] =
        (-8...7).map { value - Float($0 * halves) / 2 }.map { $0 * $0 }.min() ?? 0
    }
    return errors
  }

  /// No other step of the grid has a smaller squared error.
  private static func isBestStep(
    _ source: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>, _ scale: UInt8
  ) -> Bool {
    let perUnit = 2 / E8M0.decode(scale)
    return stepErrors.withUnsafeBufferPointer { stepErrors in
      var error: Float = 0
      var errors = SIMD16<Float>()
      for index in 0..<32 {
        let units = source[index] * perUnit
        let difference = units - decoded[index] * perUnit
        error += difference * difference
        errors += stepErrors[code(of: units)]
      }
      return error == errors.min()
    }
  }

  /// The code of a value of the grid in units.
  private static func code(of units: Float) -> Int {
    let magnitude = Int(units.magnitude)
    // 0 1 2 3 4 6 8 12 have the codes 0 to 7.
    let code = magnitude < 5 ? magnitude : magnitude < 7 ? 5 : magnitude < 10 ? 6 : 7
    return units < 0 ? code + 8 : code
  }
}
