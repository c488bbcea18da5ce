import QuernContainers

/// What `tokenizer_config.json` says that a GGUF file repeats.
struct TokenizerConfig {
  static let file = "tokenizer_config.json"

  /// An entry of `added_tokens_decoder`.
  struct AddedToken {
    let id: Int
    let text: String
    let isSpecial: Bool
  }

  private let members: JSONObject
  /// In the order of the file.
  let addedTokens: [AddedToken]

  /// A file that is there and says something: an empty object counts as no file.
  let isPresent: Bool

  /// - Parameter bytes: the file, nil if there is none.
  init(parsing bytes: [UInt8]?) throws(TokenizerError) {
    members =
      try bytes.map { bytes throws(TokenizerError) in
        try JSONObject(parsing: bytes, file: Self.file)
      } ?? JSONObject()
    isPresent = !members.members.isEmpty
    addedTokens = try Self.addedTokens(members["added_tokens_decoder"])
  }

  subscript(key: String) -> JSONValue? { members[key] }

  /// The text of a special token, written as a string or as an object with `content`.
  func tokenText(_ key: String) -> String? {
    Self.text(members[key])
  }

  /// Texts of `additional_special_tokens`.
  var additionalSpecialTokens: [String] {
    members["additional_special_tokens"]?.array?.compactMap(Self.text) ?? []
  }

  private static func text(_ value: JSONValue?) -> String? {
    value?.string ?? value?.object?["content"]?.string
  }

  private static func addedTokens(_ value: JSONValue?) throws(TokenizerError) -> [AddedToken] {
    guard let value, !value.isNull else { return [] }
    guard let entries = value.object else {
      throw TokenizerError(
        file: file, field: "added_tokens_decoder", found: value.summary, expected: "an object")
    }
    var result: [AddedToken] = []
    for (key, entry) in entries.members {
      guard let id = Int(key), id >= 0, let text = entry.object?["content"]?.string else {
        throw TokenizerError(
          file: file, field: "added_tokens_decoder.\(key.quotedForError)", found: entry.summary,
          expected: "an id with an object that has a content")
      }
      result.append(
        AddedToken(id: id, text: text, isSpecial: entry.object?["special"]?.bool ?? false))
    }
    return result
  }
}

extension JSONObject {
  /// Parses a file whose root must be an object.
  init(parsing bytes: [UInt8], file: String) throws(TokenizerError) {
    let root: JSONValue
    do { root = try JSONValue(parsing: bytes) } catch { throw TokenizerError(file: file, error) }
    guard let object = root.object else {
      throw TokenizerError(
        file: file, field: "the root", found: root.summary, expected: "an object")
    }
    self = object
  }
}
