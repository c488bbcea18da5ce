/// e^x in float64 by additions and multiplications alone, so that every machine has the same bits:
/// libraries differ in the last one. Within 2^-51 of the value.
enum Exponential {
  /// ln 2 in two parts: multiples up to 2^11 of the first are exact.
  private static let lnTwo = (high: 0x1.62e42fefap-1, low: 0x1.cf79abc9e3b3ap-40)

  static func of(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x > 709.7 { return .infinity }
    if x < -745.2 { return 0 }
    let power = (x * 0x1.71547652b82fep0).rounded(.toNearestOrEven)
    let rest = (x - power * lnTwo.high) - power * lnTwo.low
    // |rest| ≤ ln 2 / 2: the term of order 14 is below 2^-57.
    var sum = 1.0
    for order in stride(from: 13.0, through: 1, by: -1) { sum = 1 + sum * rest / order }
    // In two steps, for results below the normal numbers.
    let half = Int(power) / 2
    return sum * Double(sign: .plus, exponent: half, significand: 1)
      * Double(sign: .plus, exponent: Int(power) - half, significand: 1)
  }
}
