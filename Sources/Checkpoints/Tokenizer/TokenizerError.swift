import QuernContainers

/// Why a checkpoint's tokenizer cannot be written into a GGUF file, or turn a text into token ids.
public struct TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file's name inside the checkpoint folder.
  public let file: String
  /// The field inside the file, or the byte where reading stopped.
  public let field: String
  public let found: String
  public let expected: String

  package init(file: String, field: String, found: String, expected: String) {
    self.file = file
    self.field = field
    self.found = found
    self.expected = expected
  }

  package init(file: String, _ error: JSONError) {
    self.init(
      file: file, field: "byte \(error.byteOffset)", found: error.problem, expected: "valid JSON")
  }

  /// The same in the words that all inputs share.
  package var problem: InputProblem { problem(of: file) }

  /// The same of the file in a folder.
  package func problem(in folder: String) -> InputProblem { problem(of: folder + "/" + file) }

  private func problem(of file: String) -> InputProblem {
    InputProblem(file: file, field: field, found: found, expected: expected)
  }

  public var description: String { problem.description }
}

extension String {
  /// Text from a file as an error shows it: in quotes, control characters visible, cut short.
  var quotedForError: String {
    let shown = String(unicodeScalars.prefix(200))
    return "\"\(shown.escapedForDisplay)\(shown.utf8.count < utf8.count ? "…" : "")\""
  }
}
