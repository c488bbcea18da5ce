import QuernTensors

/// What is wrong with an input: which file, which tensor, which field, what was found there and what
/// was expected.
public struct InputProblem: Error, Equatable, Sendable, CustomStringConvertible {
  public let file: String
  /// The tensor whose entry is wrong, when it is one's.
  public let tensor: String?
  /// The field or metadata key that is wrong.
  public let field: String?
  /// Where in the file, in bytes from its start, when that helps to find it.
  public let byteOffset: Int?
  public let found: String
  public let expected: String
  /// What probably happened to the file, or what to do.
  public let hint: String?

  package init(
    file: String, tensor: String? = nil, field: String? = nil, byteOffset: Int? = nil,
    found: String, expected: String, hint: String? = nil
  ) {
    self.file = file
    self.tensor = tensor
    self.field = field
    self.byteOffset = byteOffset
    self.found = found
    self.expected = expected
    self.hint = hint
  }

  package init(
    file: String, tensor: TensorName, field: String? = nil, found: String, expected: String
  ) {
    self.init(file: file, tensor: tensor.text, field: field, found: found, expected: expected)
  }

  public var description: String {
    var text = file.escapedForDisplay
    if let tensor { text += ": tensor \"\(Self.shown(tensor))\"" }
    if let field { text += ": \(Self.shown(field))" }
    if let byteOffset { text += " (byte \(byteOffset))" }
    text += ": found \(Self.shown(found)), expected \(Self.shown(expected))"
    if let hint { text += ": \(hint)" }
    return text
  }

  /// Names from files may be of any length and hold anything.
  private static func shown(_ text: String) -> String {
    let limit = 240
    let start = text.unicodeScalars.prefix(limit)
    let isWhole = start.endIndex == text.unicodeScalars.endIndex
    return String(start).escapedForDisplay + (isWhole ? "" : "…")
  }
}
