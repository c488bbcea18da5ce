extension JSONScanner {
  /// An integer of few enough digits that it fits, without making a text of it; nil, and nothing
  /// read, for every other number.
  mutating func shortInteger() -> Int? {
    let isNegative = bytes[position] == UInt8(ascii: "-")
    let first = isNegative ? position + 1 : position
    var index = first
    var value = 0
    while index < bytes.count, index - first < 18, bytes[index] &- 0x30 < 10 {
      value = value &* 10 &+ Int(bytes[index] &- 0x30)
      index += 1
    }
    guard index > first, index == first + 1 || bytes[first] != UInt8(ascii: "0") else { return nil }
    if index < bytes.count {
      let next = bytes[index]
      guard next &- 0x30 >= 10, next != UInt8(ascii: "."), next | 0x20 != UInt8(ascii: "e") else {
        return nil
      }
    }
    position = index
    return isNegative ? -value : value
  }

  /// The text of a number, checked, and whether it has a fraction or an exponent.
  mutating func numberLiteral() throws(JSONError) -> (text: String, isReal: Bool) {
    let start = position
    var isReal = false
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let whole = try digits()
    if whole > 1, bytes[position - whole] == UInt8(ascii: "0") {
      throw JSONError(byteOffset: start, problem: "a number with a leading zero")
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      isReal = true
      _ = try digits()
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      isReal = true
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      _ = try digits()
    }
    return (String(decoding: bytes[start..<position], as: UTF8.self), isReal)
  }

  private mutating func digits() throws(JSONError) -> Int {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
    {
      position += 1
    }
    guard position > start else { throw error("expected a digit") }
    return position - start
  }
}
