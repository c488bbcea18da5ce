import QuernContainers

/// The tokens that a tokenizer puts before and after every text: the `post_processor` of a
/// `tokenizer.json`.
struct SurroundingTokens: Equatable, Sendable {
  private(set) var prefix: [UInt32] = []
  private(set) var suffix: [UInt32] = []
  /// A template was there, so that no other file has a say.
  private(set) var isStated = false

  /// - Throws: for a step that is neither a template nor one that only moves offsets.
  init(_ value: JSONValue) throws(TokenizerError) {
    guard let object = value.object else { return }
    for step in object["processors"]?.array ?? [value] {
      switch step.object?["type"]?.string {
      case "ByteLevel": continue
      case "TemplateProcessing" where !isStated: try read(step.object ?? JSONObject())
      default:
        throw Self.error(step.object?["type"]?.string?.quotedForError ?? step.summary)
      }
    }
  }

  private mutating func read(_ step: JSONObject) throws(TokenizerError) {
    isStated = true
    let tokens = step["special_tokens"]?.object
    var isBefore = true
    for entry in step["single"]?.array ?? [] {
      if entry.object?["Sequence"] != nil, isBefore {
        isBefore = false
        continue
      }
      guard let name = entry.object?["SpecialToken"]?.object?["id"]?.string,
        let values = tokens?[name]?.object?["ids"]?.array
      else { throw Self.error("a template of another form") }
      let ids = values.compactMap { $0.integer.flatMap(UInt32.init(exactly:)) }
      guard ids.count == values.count else { throw Self.error("a token without ids") }
      if isBefore { prefix += ids } else { suffix += ids }
    }
    guard !isBefore else { throw Self.error("a template without a text") }
  }

  private static func error(_ found: String) -> TokenizerError {
    TokenizerError(
      file: TokenizerJSON.file, field: "post_processor", found: found,
      expected: "ByteLevel or a template of special tokens around one text; "
        + TextTokenizer.wayOut)
  }
}
