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

  /// d = largest magnitude ÷ 127, codes rounded half away from zero; all zero where 1/d overflows.
  private static func isAbsmaxQ8_0(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer
  ) -> Bool {
    var step = source.reduce(0) { max($0, $1.magnitude) } / 127
    if step == 0 || (1 / step).isInfinite { step = 0 }
    let inverse = step == 0 ? 0 : 1 / step
    return stored.littleEndianUInt16(at: 0) == F16.encode(step)
      && source.indices.allSatisfy {
        Float(Int8(bitPattern: stored[2 + $0]))
          == (source[$0] * inverse).rounded(.toNearestOrAwayFromZero)
      }
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
    let logarithm = log2(Double(source.reduce(0) { max($0, $1.magnitude) }))
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

  /// Squared errors of the grid's values 0 ½ 1 1½ 2 3 4 6 and their negatives under each step of
  /// ±{1, 1½, 2, 3, 4} units, the unit being ½: 16 codes by 10 steps.
  private static let stepErrors: [[Double]] = [2, 3, 4, 6, 8, -2, -3, -4, -6, -8].map { halves in
    (0..<16).map { code in
      let value = Double(E2M1.decode(UInt8(code))) * 2
      return (-8...7).map { value - Double($0) * Double(halves) / 2 }.map { $0 * $0 }.min() ?? 0
    }
  }

  /// No other step of the grid has a smaller squared error.
  private static func isBestStep(
    _ source: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>, _ scale: UInt8
  ) -> Bool {
    let unit = Double(E8M0.decode(scale)) / 2
    var error = 0.0
    var counts = [Int](repeating: 0, count: 16)
    for index in source.indices {
      let difference = (Double(source[index]) - Double(decoded[index])) / unit
      error += difference * difference
      counts[code(of: Double(source[index]) / unit)] += 1
    }
    let best = stepErrors.map { errors in
      errors.indices.reduce(0) { $0 + errors[$1] * Double(counts[$1]) }
    }.min()
    return error == best
  }

  /// The code of a value of the grid in units.
  private static func code(of units: Double) -> Int {
    let magnitude: Int
    switch units.magnitude {
    case ..<5: magnitude = Int(units.magnitude)
    case ..<7: magnitude = 5
    case ..<10: magnitude = 6
    default: magnitude = 7
    }
    return units < 0 ? magnitude + 8 : magnitude
  }
}
