/// Reads the one form of Python dictionary that a NumPy array file's header is: three keys, a string,
/// a truth value and a tuple of lengths. Nothing is evaluated.
struct NPYDictionaryParser {
  struct Members {
    var descriptor = ""
    var isColumnMajor = false
    var shape: [Int] = []
  }

  private static let maximumRank = 32

  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// The members, of which each key must stand once.
  mutating func members() throws(NPYDefect) -> Members {
    var result = Members()
    var seen: Set<String> = []
    try expect("{")
    while !take("}") {
      let key = try string()
      guard seen.insert(key).inserted else {
        throw NPYDefect("header", found: "\"\(key)\" twice", expected: "each key once")
      }
      try expect(":")
      switch key {
      case "descr": result.descriptor = try string()
      case "fortran_order": result.isColumnMajor = try truth()
      case "shape": result.shape = try tuple()
      default: throw NPYDefect("header", found: "the key \"\(key)\"", expected: Self.keys)
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.endIndex else { throw defect("spaces after the closing brace") }
    guard seen.count == 3 else {
      throw NPYDefect("header", found: "\(seen.count) of the keys", expected: Self.keys)
    }
    return result
  }

  private static let keys = "descr, fortran_order and shape"

  // MARK: Values

  private mutating func string() throws(NPYDefect) -> String {
    skipSpace()
    guard position < bytes.endIndex,
      [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(bytes[position])
    else { throw defect("a string in quotes") }
    let quote = bytes[position]
    let rest = bytes[(position + 1)...]
    guard let end = rest.firstIndex(of: quote),
      rest[..<end].allSatisfy({ (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "\\") })
    else { throw defect("a string of plain ASCII characters") }
    position = end + 1
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  private mutating func truth() throws(NPYDefect) -> Bool {
    if take("True") { return true }
    guard take("False") else { throw defect("True or False") }
    return false
  }

  private mutating func tuple() throws(NPYDefect) -> [Int] {
    var result: [Int] = []
    try expect("(")
    while !take(")") {
      guard result.count < Self.maximumRank else {
        throw defect("at most \(Self.maximumRank) dimensions")
      }
      result.append(try length())
      if !take(",") {
        try expect(")")
        break
      }
    }
    return result
  }

  private mutating func length() throws(NPYDefect) -> Int {
    skipSpace()
    let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
    guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw defect("a length that fits 64 bits")
    }
    position = digits.endIndex
    return value
  }

  // MARK: Pieces

  private mutating func skipSpace() {
    while position < bytes.endIndex, [0x20, 0x0a].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    skipSpace()
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  private mutating func expect(_ text: String) throws(NPYDefect) {
    guard take(text) else { throw defect("'\(text)'") }
  }

  private func defect(_ expected: String) -> NPYDefect {
    let rest = bytes[position...].prefix(24)
    let found = rest.isEmpty ? "the end" : "\"\(String(decoding: rest, as: UTF8.self))\""
    return NPYDefect(
      "header", found: "\(found) at byte \(position - bytes.startIndex)", expected: expected)
  }
}
