import QuernContainers

/// What `tokenizer_config.json` says that a GGUF file repeats, and the special tokens that
/// `special_tokens_map.json` adds in older folders.
struct TokenizerConfig {
  static let file = "tokenizer_config.json"
  static let mapFile = "special_tokens_map.json"

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

  /// Texts of `special_tokens_map.json`; empty where the config lists its added tokens, which is
  /// when transformers no longer reads the map.
  private let mappedTexts: [String]

  /// - Parameters:
  ///   - bytes: the file, nil if there is none.
  ///   - specialTokensMap: the older file, nil if there is none.
  init(parsing bytes: [UInt8]?, specialTokensMap: [UInt8]? = nil) throws(TokenizerError) {
    members = try Self.object(bytes, file: Self.file)
    isPresent = !members.members.isEmpty
    addedTokens = try Self.addedTokens(members["added_tokens_decoder"])
    let map = try Self.object(specialTokensMap, file: Self.mapFile)
    mappedTexts = addedTokens.isEmpty ? map.members.flatMap { Self.texts($0.value) } : []
  }

  private static func object(_ bytes: [UInt8]?, file: String) throws(TokenizerError) -> JSONObject {
    guard let bytes else { return JSONObject() }
    return try JSONObject(parsing: bytes, file: file)
  }

  subscript(key: String) -> JSONValue? { members[key] }

  /// The text of a special token, written as a string or as an object with `content`.
  func tokenText(_ key: String) -> String? {
    Self.text(members[key])
  }

  /// Every text that the folder calls a special token.
  var specialTexts: [String] {
    SpecialTokens.names.compactMap { tokenText("\($0)_token") }
      + Self.texts(members["additional_special_tokens"]) + mappedTexts
  }

  private static func text(_ value: JSONValue?) -> String? {
    value?.string ?? value?.object?["content"]?.string
  }

  private static func texts(_ value: JSONValue?) -> [String] {
    (value?.array ?? value.map { [$0] } ?? []).compactMap(text)
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
