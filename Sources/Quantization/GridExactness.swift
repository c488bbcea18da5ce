/// What a format keeps of values on the FP4 grid, as far as scales alone tell.
///
/// The unit of 32 elements with the scale 2^e is 2^(e − 1); the elements are 0 ±1 ±2 ±3 ±4 ±6 ±8 ±12
/// units. What is said here holds for all codes: blocks that have few of them may be exact beyond it.
package enum GridExactness {
  /// Exponents of scales that a format takes, and how far apart those of one block may be.
  private struct Limits {
    let exponents: ClosedRange<Int>
    var spread = Int.max
  }

  /// F16 holds 2^-24 … 2^15 as d; Q5_1 and Q5_K store 16 units as a minimum, too. Q5_K's scales of
  /// six bits reach from 1 to 32, those of Q6_K from 1 to −128, with codes that may be doubled. The
  /// scale of NVFP4, twice the unit, is E4M3's 2^-9 … 2^8. Under MXFP4's last two 6 is no float32.
  private static func limits(_ format: NumberFormat) -> Limits? {
    switch format {
    case .mxfp4: Limits(exponents: -127...125)
    case .q8_0, .q5_0: Limits(exponents: -23...16)
    case .q5_1: Limits(exponents: -23...12)
    case .q5_k: Limits(exponents: -23...12, spread: 5)
    case .q6_k: Limits(exponents: -23...16, spread: 8)
    case .nvfp4: Limits(exponents: -9...8)
    case .f32, .f16, .bf16, .i32, .q4_0, .q4_1, .iq4_nl, .q4_k, .iq4_xs: nil
    }
  }

  /// Whether blocks of `format` are exact where the scales of their elements are 2^e, with e between
  /// these exponents.
  package static func isExact(_ format: NumberFormat, scaleExponents: ClosedRange<Int>) -> Bool {
    guard let limits = limits(format) else { return false }
    return limits.exponents.contains(scaleExponents.lowerBound)
      && limits.exponents.contains(scaleExponents.upperBound)
      && scaleExponents.upperBound - scaleExponents.lowerBound <= limits.spread
  }

  /// Whether integers of eight bits are exact with one scale for elements with these: the largest
  /// code, 12 units, then fits under the smallest unit. See `GridIntegers`.
  package static func isExactInEightBits(scaleExponents: ClosedRange<Int>) -> Bool {
    scaleExponents.upperBound - scaleExponents.lowerBound <= 3
  }
}
