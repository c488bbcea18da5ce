/// Sizes as people write them: `50GB`, `500M`, `1.5GiB`.
enum ByteSize {
  private static let units: [(suffixes: [String], byteCount: Double)] = [
    (["KIB"], 1024), (["MIB"], 1_048_576), (["GIB"], 1_073_741_824), (["TIB"], 1_099_511_627_776),
    (["KB", "K"], 1e3), (["MB", "M"], 1e6), (["GB", "G"], 1e9), (["TB", "T"], 1e12), (["B", ""], 1),
  ]

  /// Bytes, or nil for a text that is no size.
  static func parse(_ text: String) -> Int? {
    let upper = text.uppercased()
    let number = upper.prefix { $0.isNumber || $0 == "." }
    let suffix = upper.dropFirst(number.count)
    guard let value = Double(number), value > 0,
      let unit = units.first(where: { $0.suffixes.contains(String(suffix)) })
    else { return nil }
    return Int(exactly: (value * unit.byteCount).rounded())
  }

  /// Decimal units with three digits: `1.83 GB`.
  static func text(_ byteCount: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    var (value, index) = (Double(byteCount), 0)
    while value >= 1000, index < units.count - 1 {
      value /= 1000
      index += 1
    }
    if index == 0 { return "\(byteCount) bytes" }
    let places = value < 10 ? 100.0 : value < 100 ? 10.0 : 1.0
    let rounded = (value * places).rounded() / places
    return places == 1 ? "\(Int(rounded)) \(units[index])" : "\(rounded) \(units[index])"
  }
}
