/// A pattern over tensor names: `*` stands for any run of characters, `?` for one; all else is
/// itself. It must match the whole name.
package struct Glob: Hashable, Sendable {
  package let pattern: String
  private let bytes: [UInt8]
  /// True without stars and question marks: a name.
  private let isLiteral: Bool

  package init(_ pattern: String) {
    self.pattern = pattern
    bytes = Array(pattern.utf8)
    isLiteral = !bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
  }

  /// Linear for each `*`: a mismatch resumes behind the last star only.
  package func matches(_ text: String) -> Bool {
    // A budget's recipe has a rule of this kind for every tensor.
    if isLiteral { return text.utf8.elementsEqual(bytes) }
    let text = Array(text.utf8)
    var (position, index) = (0, 0)
    var star: (position: Int, index: Int)?
    while index < text.count {
      if position < bytes.count, bytes[position] == UInt8(ascii: "*") {
        star = (position, index)
        position += 1
      } else if position < bytes.count,
        bytes[position] == text[index] || bytes[position] == UInt8(ascii: "?")
      {
        position += 1
        index += 1
      } else if let last = star {
        star = (last.position, last.index + 1)
        (position, index) = (last.position + 1, last.index + 1)
      } else {
        return false
      }
    }
    return bytes[position...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
