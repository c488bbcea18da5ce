/// Numbers as people read them. No locale: the same text everywhere.
extension Double {
  /// With a fixed number of decimals.
  package func fixed(_ decimals: Int) -> String {
    guard isFinite, magnitude < 1e15 else { return "\(self)" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((magnitude * Double(scale)).rounded())
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + "\(scaled)" }
    let digits = String(scaled % scale)
    return sign + "\(scaled / scale)."
      + String(repeating: "0", count: decimals - digits.count) + digits
  }
}

extension Int {
  /// 1,234,567
  package var grouped: String {
    let digits = Array(String(magnitude))
    var text = self < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A byte count in decimal units: 999 B, 1.83 GB.
  package var bytesText: String { scaled(["B", "kB", "MB", "GB", "TB", "PB"], separator: " ") }

  /// A count in decimal units: 671, 1.83K, 284B.
  package var countText: String { scaled(["", "K", "M", "B", "T"], separator: "") }

  private func scaled(_ units: [String], separator: String) -> String {
    guard magnitude >= 1000 else { return "\(self)\(separator)\(units[0])" }
    var value = Double(self)
    var unit = 0
    // 999.5 would be shown as 1000.
    while value.magnitude >= 999.5, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    let decimals = value.magnitude < 9.995 ? 2 : value.magnitude < 99.95 ? 1 : 0
    return value.fixed(decimals) + separator + units[unit]
  }
}

extension String {
  /// "1 tensor", "2 tensors".
  package static func counted(_ count: Int, _ noun: String) -> String {
    "\(count.grouped) \(noun)\(count == 1 ? "" : "s")"
  }
}
