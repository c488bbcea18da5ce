/// A strict pull scanner for JSON (RFC 8259) from strangers.
///
/// No duplicate keys, no leading zeros, no lone surrogates, no byte order mark, bounded depth, the
/// byte offset in every error. The caller pulls what it expects, so that a header of a hundred
/// thousand tensors never becomes a tree. In the relaxed dialect, for files that people write
/// (recipes), `//` and `/* */` comments, bare keys and trailing commas are allowed too.
///
///     beginObject ─▶ nextKey ─▶ (string | integer | … | beginObject …) ─▶ nextKey ─▶ nil
///     beginArray  ─▶ nextElement ─▶ value ─▶ nextElement ─▶ false
package struct JSONScanner {
  package enum Dialect: Sendable { case strict, relaxed }

  /// What the next value is, by its first byte.
  package enum Kind: String, Sendable { case object, array, string, number, bool, null }

  /// Deeper nesting than this is refused: no format Quern reads comes near it.
  package static let maximumDepth = 64

  private struct Level {
    var isEmpty = true
    /// Where the object's keys start in `keys`.
    let firstKey: Int
    /// Made when there are too many keys to look through.
    var table: JSONKeyTable?
  }

  /// Objects of at most this many keys are looked through key by key.
  private static let smallObjectKeyCount = 8

  let bytes: [UInt8]
  private let dialect: Dialect
  private var levels: [Level] = []
  /// The keys of all open objects, outermost first.
  private var keys: [String] = []
  package internal(set) var position = 0

  package init(_ bytes: [UInt8], dialect: Dialect = .strict) {
    self.bytes = bytes
    self.dialect = dialect
  }

  // MARK: Structure

  package mutating func beginObject() throws(JSONError) {
    try open(.object)
  }

  package mutating func beginArray() throws(JSONError) {
    try open(.array)
  }

  /// The next key of the innermost object, or nil after its closing brace.
  package mutating func nextKey() throws(JSONError) -> String? {
    guard try advance(closing: UInt8(ascii: "}")) else { return nil }
    let start = position
    let key = try keyText()
    guard insertKey(key) else {
      throw JSONError(byteOffset: start, problem: "duplicate key \(quoted(key))")
    }
    try expect(UInt8(ascii: ":"), "a colon after the key")
    return key
  }

  /// True when the innermost array has one more element to read.
  package mutating func nextElement() throws(JSONError) -> Bool {
    try advance(closing: UInt8(ascii: "]"))
  }

  /// Checks that only white space is left.
  package mutating func end() throws(JSONError) {
    try skipSpace()
    guard position == bytes.count else { throw error("text after the end of the value") }
  }

  // MARK: Values

  package mutating func peek() throws(JSONError) -> Kind {
    try skipSpace()
    guard position < bytes.count else { throw error("the text ends where a value should be") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    default: throw error("expected a value, found \(quotedByte(bytes[position]))")
    }
  }

  package mutating func string() throws(JSONError) -> String {
    try require(.string)
    return try stringBody()
  }

  /// A number without fraction or exponent that fits an Int.
  package mutating func integer() throws(JSONError) -> Int {
    try require(.number)
    if let value = shortInteger() { return value }
    let start = position
    let literal = try numberLiteral()
    guard !literal.isReal else {
      throw JSONError(byteOffset: start, problem: "expected an integer, found \(literal.text)")
    }
    guard let value = Int(literal.text) else {
      throw JSONError(
        byteOffset: start, problem: "the integer \(literal.text) does not fit 64 bits")
    }
    return value
  }

  /// A number as an integer where it is written as one and fits, otherwise as a Double.
  package mutating func number() throws(JSONError) -> JSONValue {
    try require(.number)
    let start = position
    let literal = try numberLiteral()
    if !literal.isReal, let value = Int(literal.text) { return .integer(value) }
    guard let value = Double(literal.text), value.isFinite else {
      throw JSONError(byteOffset: start, problem: "the number \(literal.text) is out of range")
    }
    return .real(value)
  }

  package mutating func bool() throws(JSONError) -> Bool {
    try require(.bool)
    let value = bytes[position] == UInt8(ascii: "t")
    try word(value ? "true" : "false")
    return value
  }

  package mutating func null() throws(JSONError) {
    try require(.null)
    try word("null")
  }

  /// Reads one value of any kind and forgets it, checking it all the same.
  package mutating func skipValue() throws(JSONError) {
    switch try peek() {
    case .object:
      try beginObject()
      while try nextKey() != nil { try skipValue() }
    case .array:
      try beginArray()
      while try nextElement() { try skipValue() }
    case .string: _ = try stringBody()
    case .number: _ = try number()
    case .bool: _ = try bool()
    case .null: try null()
    }
  }

  // MARK: Pieces

  func error(_ problem: String) -> JSONError {
    JSONError(byteOffset: position, problem: problem)
  }

  func quotedByte(_ byte: UInt8) -> String {
    (0x20..<0x7f).contains(byte)
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
  }

  private func quoted(_ key: String) -> String { "\"\(key.escapedForDisplay)\"" }

  private mutating func require(_ kind: Kind) throws(JSONError) {
    let found = try peek()
    guard found == kind else {
      throw error("expected a \(kind.rawValue), found a \(found.rawValue)")
    }
  }

  private mutating func open(_ kind: Kind) throws(JSONError) {
    try require(kind)
    guard levels.count < Self.maximumDepth else {
      throw error("nested deeper than \(Self.maximumDepth) levels")
    }
    position += 1
    levels.append(Level(firstKey: keys.count))
  }

  private mutating func close() {
    let level = levels.removeLast()
    keys.removeLast(keys.count - level.firstKey)
  }

  /// Notes a key of the innermost object; false when the object has it already.
  private mutating func insertKey(_ key: String) -> Bool {
    let top = levels.count - 1
    let first = levels[top].firstKey
    if keys.count - first < Self.smallObjectKeyCount {
      for index in first..<keys.count where key.hasSameBytes(as: keys[index]) { return false }
    } else {
      if levels[top].table == nil {
        var table = JSONKeyTable()
        for index in first..<keys.count {
          _ = table.insert(keys[index], after: keys[first..<index])
        }
        levels[top].table = table
      }
      guard levels[top].table?.insert(key, after: keys[first...]) == true else { return false }
    }
    keys.append(key)
    return true
  }

  /// Steps over a comma or the closing brace; false after the latter.
  private mutating func advance(closing: UInt8) throws(JSONError) -> Bool {
    let top = levels.count - 1
    try skipSpace()
    guard position < bytes.count else { throw error("the text ends inside an object or array") }
    if bytes[position] == closing {
      position += 1
      close()
      return false
    }
    if levels[top].isEmpty {
      levels[top].isEmpty = false
      return true
    }
    try expect(UInt8(ascii: ","), "a comma")
    try skipSpace()
    if position < bytes.count, bytes[position] == closing {
      guard dialect == .relaxed else { throw error("a comma before the closing brace") }
      position += 1
      close()
      return false
    }
    return true
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(JSONError) {
    try skipSpace()
    guard position < bytes.count else { throw error("expected \(what), found the end of the text") }
    guard bytes[position] == byte else {
      throw error("expected \(what), found \(quotedByte(bytes[position]))")
    }
    position += 1
  }

  private mutating func keyText() throws(JSONError) -> String {
    try skipSpace()
    guard position < bytes.count else { throw error("expected a key, found the end of the text") }
    if dialect == .relaxed, Self.isIdentifierByte(bytes[position]) {
      let start = position
      while position < bytes.count, Self.isIdentifierByte(bytes[position]) { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    guard bytes[position] == UInt8(ascii: "\"") else {
      throw error("expected a key in quotes, found \(quotedByte(bytes[position]))")
    }
    return try stringBody()
  }

  private static func isIdentifierByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
      true
    default: false
    }
  }

  private mutating func word(_ text: StaticString) throws(JSONError) {
    for index in 0..<text.utf8CodeUnitCount {
      guard position < bytes.count, bytes[position] == text.utf8Start[index] else {
        throw error("expected \(text)")
      }
      position += 1
    }
  }

  private mutating func skipSpace() throws(JSONError) {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      case UInt8(ascii: "/") where dialect == .relaxed: try skipComment()
      default: return
      }
    }
  }

  private mutating func skipComment() throws(JSONError) {
    let start = position
    guard position + 1 < bytes.count else { throw error("expected a comment") }
    switch bytes[position + 1] {
    case UInt8(ascii: "/"):
      while position < bytes.count, bytes[position] != 0x0a { position += 1 }
    case UInt8(ascii: "*"):
      position += 2
      while position + 1 < bytes.count {
        if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
          position += 2
          return
        }
        position += 1
      }
      throw JSONError(byteOffset: start, problem: "a comment that does not end")
    default: throw error("expected a comment")
    }
  }
}
