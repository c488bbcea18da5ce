#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Figures of a report as people read them.
extension Double {
  /// With so many digits that count, at most 12 decimals; powers of ten for what is below 0.0001.
  package func significant(_ digits: Int) -> String {
    guard isFinite, self != 0 else { return self == 0 ? "0" : "\(self)" }
    let exponent = Int(log10(magnitude).rounded(.down))
    guard exponent >= -4 else {
      return (self / pow(10, Double(exponent))).fixed(digits - 1) + "e\(exponent)"
    }
    return fixed(min(12, max(0, digits - 1 - exponent)))
  }

  /// A share as a percentage: 4.42 %.
  var percent: String { (100 * self).significant(3) + "\u{a0}%" }

  /// A share of a whole, where the last digits of small ones say nothing: 34.2 %.
  var share: String {
    self > 0 && self < 0.0005
      ? "<\u{a0}0.1\u{a0}%" : (100 * self).fixed(self == 0 || self == 1 ? 0 : 1) + "\u{a0}%"
  }

}

extension String {
  /// A figure without the zeros that end its fraction: 10 % for 10.0 %.
  var withoutEndingZeros: String {
    let number = prefix { $0.isNumber || $0 == "." || $0 == "-" }
    guard number.contains(".") else { return self }
    var short = number
    while short.last == "0" { short.removeLast() }
    if short.last == "." { short.removeLast() }
    return String(short) + dropFirst(number.count)
  }
}

extension ParityFile.Estimate {
  /// The value, with its standard error to two digits and as many decimals.
  package func text(scale: Double = 1, unit: String = "") -> String {
    guard let standardError, standardError > 0 else {
      return (scale * value).significant(4) + unit
    }
    let error = scale * standardError
    let decimals = min(12, max(0, 1 - Int(log10(error).rounded(.down))))
    return "\((scale * value).fixed(decimals)) ± \(error.fixed(decimals))\(unit)"
  }
}
