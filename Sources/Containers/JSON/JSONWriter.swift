/// Writes JSON into a byte buffer, value by value, so that a table never has to be a tree.
///
/// Objects and arrays opened with `.lines` put each member on a line of its own; those opened with
/// `.inline` stay on one line. The caller may take the buffer away at any time (`drain`).
package struct JSONWriter {
  package enum Style: Sendable { case lines, inline }

  private struct Level {
    let style: Style
    let closing: UInt8
    var isEmpty = true
  }

  package private(set) var bytes: [UInt8] = []
  private var levels: [Level] = []
  private var isAfterKey = false

  package init() {}

  /// Hands out what was written so far and starts with an empty buffer.
  package mutating func drain() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  package mutating func beginObject(_ style: Style = .lines) { open("{", "}", style) }
  package mutating func beginArray(_ style: Style = .lines) { open("[", "]", style) }

  /// Closes the innermost object or array; the outermost one ends with a line feed.
  package mutating func end() {
    let level = levels.removeLast()
    if level.style == .lines, !level.isEmpty { newLine() }
    bytes.append(level.closing)
    if levels.isEmpty { bytes.append(0x0a) }
  }

  package mutating func key(_ key: String) {
    separate()
    quote(key)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(0x20)
    isAfterKey = true
  }

  package mutating func string(_ value: String) {
    separate()
    quote(value)
  }
  package mutating func integer(_ value: Int) { literal(String(value)) }
  package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }
  package mutating func null() { literal("null") }

  /// The shortest decimal text that reads back as the same value; null when it is not finite.
  package mutating func real(_ value: Double) { literal(value.isFinite ? "\(value)" : "null") }

  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .integer(let value): integer(value)
    case .real(let value): real(value)
    case .string(let value): string(value)
    case .array(let values):
      beginArray(.inline)
      for element in values { self.value(element) }
      end()
    case .object(let object):
      beginObject(.inline)
      for member in object.members {
        key(member.key)
        self.value(member.value)
      }
      end()
    }
  }

  private mutating func open(_ opening: Character, _ closing: Character, _ style: Style) {
    separate()
    bytes.append(opening.asciiValue ?? 0)
    levels.append(Level(style: style, closing: closing.asciiValue ?? 0))
  }

  private mutating func literal(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func separate() {
    if isAfterKey {
      isAfterKey = false
      return
    }
    guard let top = levels.indices.last else { return }
    if !levels[top].isEmpty { bytes.append(UInt8(ascii: ",")) }
    if levels[top].style == .lines {
      newLine()
    } else if !levels[top].isEmpty {
      bytes.append(0x20)
    }
    levels[top].isEmpty = false
  }

  /// Indents by the levels that put their members on lines.
  private mutating func newLine() {
    bytes.append(0x0a)
    let depth = levels.count { $0.style == .lines }
    bytes.append(contentsOf: repeatElement(0x20, count: depth))
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0a: bytes.append(contentsOf: "\\n".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case 0x0d: bytes.append(contentsOf: "\\r".utf8)
      case 0x00..<0x20:
        bytes.append(contentsOf: "\\u00".utf8)
        for digit in [byte >> 4, byte & 15] {
          bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSONWriter {
  package mutating func member(_ key: String, _ value: String) {
    self.key(key)
    string(value)
  }

  package mutating func member(_ key: String, _ value: Int) {
    self.key(key)
    integer(value)
  }

  package mutating func member(_ key: String, _ value: Double) {
    self.key(key)
    real(value)
  }

  package mutating func member(_ key: String, _ value: Bool) {
    self.key(key)
    bool(value)
  }
}
