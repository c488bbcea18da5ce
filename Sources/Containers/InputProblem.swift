import QuernTensors

/// What is wrong with an input: which file, which tensor, which field, what was found there and what
/// was expected.
public struct InputProblem: Error, Equatable, Sendable, CustomStringConvertible {
  public let file: String
  public let tensor: TensorName?
  public let field: String?
  public let found: String
  public let expected: String

  package init(
    file: String, tensor: TensorName? = nil, field: String? = nil, found: String, expected: String
  ) {
    self.file = file
    self.tensor = tensor
    self.field = field
    self.found = found
    self.expected = expected
  }

  /// `file: tensor: field: found …, expected …`, names escaped for a terminal.
  public var description: String {
    var parts = [file.escapedForDisplay]
    if let tensor { parts.append("tensor \(tensor.text.escapedForDisplay)") }
    if let field { parts.append(field.escapedForDisplay) }
    parts.append("found \(found), expected \(expected)")
    return parts.joined(separator: ": ")
  }
}
