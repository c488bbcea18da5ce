import QuernQuantization
import QuernTensors

/// What blocks made from the FP4 grid must be: equal to the source where the format can be, otherwise
/// the best step of the grid.
struct GridRules {
  /// Whether a format can hold a block with these E8M0 bytes, one for 32 elements, without loss: the
  /// arithmetic is in `formats/blocks/grid.md`.
  static func isExact(_ format: NumberFormat, _ scales: ArraySlice<UInt8>) -> Bool {
    guard let least = scales.min(), let most = scales.max() else { return false }
    let (low, high) = (Int(least) - 127, Int(most) - 127)
    switch format {
    case .mxfp4: return most < 253
    case .q8_0, .q5_0: return low >= -23 && high <= 16
    case .q5_1: return low >= -23 && high <= 12
    case .q5_k: return low >= -23 && high <= 12 && high - low <= 5
    case .q6_k: return low >= -23 && high <= 16 && high - low <= 8
    case .nvfp4: return low >= -9 && high <= 8
    case .f32, .f16, .bf16, .i32, .q4_0, .q4_1, .iq4_nl, .q4_k, .iq4_xs: return false
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

  /// Q4_0 without weights: no step of the lattice has a smaller squared error, no value is off by more
  /// than 1½ units, and the scale is that of least squares for its codes.
  static func isBestStep(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer,
    _ decoded: UnsafeBufferPointer<Float>, _ scale: UInt8
  ) -> Bool {
    let perUnit = 2 / E8M0.decode(scale)
    let isGood = stepErrors.withUnsafeBufferPointer { stepErrors in
      // Differences have few bits: in double no square and no sum is rounded.
      var (error, largest) = (0.0, 0.0)
      var errors = SIMD16<Float>()
      for index in 0..<32 {
        let units = source[index] * perUnit
        let difference = Double(units) - Double(decoded[index] * perUnit)
        error += difference * difference
        largest = max(largest, difference.magnitude)
        errors += stepErrors[code(of: units)]
      }
      return error <= Double(errors.min()) && largest <= 1.5
    }
    return isGood && isLeastSquares(source, stored, unit: 1 / perUnit)
  }

  /// The scale is the F16 nearest to the quotient of least squares for its codes, at least 1 and at
  /// most 3 units, or one of the two smallest steps that are taken where there is a 12.
  private static func isLeastSquares(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer, unit: Float
  ) -> Bool {
    var (products, squares): (Float, Float) = (0, 0)
    for index in 0..<32 {
      let byte = stored[2 + index % 16]
      let code = Float(index < 16 ? byte & 15 : byte >> 4) - 8
      products += source[index] / unit * code
      squares += code * code
    }
    let bits = stored.littleEndianUInt16(at: 0)
    guard (products < 0) == (bits >> 15 == 1) else { return false }
    let step = F16.decode(bits & 0x7fff) / unit
    if step == 1.5 || step == 1.3125 { return true }
    return step == F16.decode(F16.encode(min(3, max(1, (products / squares).magnitude)) * unit))
      / unit
  }

  /// The code of a value of the grid in units.
  private static func code(of units: Float) -> Int {
    let magnitude = Int(units.magnitude)
    // 0 1 2 3 4 6 8 12 have the codes 0 to 7.
    let code = magnitude < 5 ? magnitude : magnitude < 7 ? 5 : magnitude < 10 ? 6 : 7
    return units < 0 ? code + 8 : code
  }
}
