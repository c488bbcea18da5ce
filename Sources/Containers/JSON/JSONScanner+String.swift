extension JSONScanner {
  /// A string from its opening quote on.
  mutating func stringBody() throws(JSONError) -> String {
    let start = position
    position += 1
    let first = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20
    {
      position += 1
    }
    guard position < bytes.count else {
      throw JSONError(byteOffset: start, problem: "a string that does not end")
    }
    var text = try utf8(first..<position)
    while bytes[position] != UInt8(ascii: "\"") {
      guard bytes[position] >= 0x20 else { throw error("a control character in a string") }
      if bytes[position] == UInt8(ascii: "\\") {
        text.unicodeScalars.append(try escape())
      } else {
        let from = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
          bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20
        {
          position += 1
        }
        text += try utf8(from..<position)
      }
      guard position < bytes.count else {
        throw JSONError(byteOffset: start, problem: "a string that does not end")
      }
    }
    position += 1
    return text
  }

  private func utf8(_ range: Range<Int>) throws(JSONError) -> String {
    if bytes[range].allSatisfy({ $0 < 0x80 }) {
      return String(decoding: bytes[range], as: UTF8.self)
    }
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw JSONError(byteOffset: range.lowerBound, problem: "a string that is not UTF-8")
    }
    return text
  }

  private mutating func escape() throws(JSONError) -> UnicodeScalar {
    let start = position
    guard position + 1 < bytes.count else { throw error("the text ends in an escape") }
    position += 2
    switch bytes[position - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(from: start)
    default:
      throw JSONError(
        byteOffset: start, problem: "the escape \\\(quotedByte(bytes[start + 1])) does not exist")
    }
  }

  private mutating func unicodeEscape(from start: Int) throws(JSONError) -> UnicodeScalar {
    let high = try fourHexDigits()
    if let scalar = UnicodeScalar(high) { return scalar }
    guard (0xD800..<0xDC00).contains(high), position + 1 < bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    else { throw JSONError(byteOffset: start, problem: "a lone surrogate") }
    position += 2
    let low = try fourHexDigits()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = UnicodeScalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw JSONError(byteOffset: start, problem: "a lone surrogate") }
    return scalar
  }

  private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Self.hexDigit(bytes[position]) else {
        throw error("expected four hexadecimal digits")
      }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
