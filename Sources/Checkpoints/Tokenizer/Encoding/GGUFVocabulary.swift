import QuernContainers

/// The tokenizer's keys of a GGUF file.
struct GGUFVocabulary {
  let file: String
  /// `tokenizer.ggml.model`.
  let model: String
  let tokens: GGUFStrings
  private let types: [TokenType]
  private let values: [String: GGUFValue]

  private static let prefix = "tokenizer.ggml."

  init(_ keyValues: [GGUFKeyValue], file: String) throws(TokenizerError) {
    self.file = file
    var values: [String: GGUFValue] = [:]
    for entry in keyValues where entry.key.hasPrefix(Self.prefix) {
      values[String(entry.key.dropFirst(Self.prefix.count))] = entry.value
    }
    self.values = values
    guard case .string(let model) = values["model"] else {
      throw Self.error(
        file, "model", found: "none", expected: "a tokenizer, to turn a text into token ids")
    }
    self.model = model.text
    guard case .array(.strings(let tokens)) = values["tokens"],
      (1...TokenTable.maximumSize).contains(tokens.count)
    else {
      throw Self.error(
        file, "tokens", found: "none", expected: "1 to \(TokenTable.maximumSize) tokens")
    }
    self.tokens = tokens
    types = try Self.types(values["token_type"], count: tokens.count, file)
  }

  private static func types(
    _ value: GGUFValue?, count: Int, _ file: String
  ) throws(TokenizerError) -> [TokenType] {
    guard let value else { return [TokenType](repeating: .normal, count: count) }
    guard case .array(.int32(let numbers)) = value, numbers.count == count else {
      throw error(
        file, "token_type", found: "a list of another length or kind",
        expected: "a type for each token")
    }
    return numbers.map { TokenType(rawValue: $0) ?? .normal }
  }

  // MARK: Values

  func text(_ key: String) -> String? {
    if case .string(let text) = values[key] { text.text } else { nil }
  }

  func flag(_ key: String) -> Bool? {
    if case .bool(let flag) = values[key] { flag } else { nil }
  }

  func strings(_ key: String) -> GGUFStrings? {
    if case .array(.strings(let strings)) = values[key] { strings } else { nil }
  }

  /// An id, which must be one of the vocabulary.
  func id(_ key: String) throws(TokenizerError) -> UInt32? {
    guard let value = values[key] else { return nil }
    guard case .uint32(let id) = value, id < tokens.count else {
      throw error(key, found: "\(value)", expected: "an id below \(tokens.count)")
    }
    return id
  }

  func error(_ key: String, found: String, expected: String) -> TokenizerError {
    Self.error(file, key, found: found, expected: expected)
  }

  private static func error(
    _ file: String, _ key: String, found: String, expected: String
  ) -> TokenizerError {
    TokenizerError(
      file: file, field: prefix + key, found: found,
      expected: "\(expected); \(TextTokenizer.wayOut)")
  }

  // MARK: Tokens

  /// The tokens of some types, and the id of each.
  func tokens(of wanted: Set<TokenType>) -> (texts: GGUFStrings, ids: [Int32]) {
    var texts = GGUFStrings()
    var ids: [Int32] = []
    for id in 0..<tokens.count where wanted.contains(types[id]) {
      texts.append(tokens.utf8(at: id))
      ids.append(Int32(id))
    }
    return (texts, ids)
  }

  /// Tokens that are looked for in the text as it is.
  var addedTokens: [TokenizerJSON.AddedToken] {
    (0..<tokens.count).compactMap { id in
      guard [.control, .userDefined, .unknown].contains(types[id]) else { return nil }
      return TokenizerJSON.AddedToken(
        id: id, text: tokens[id].text, isSpecial: types[id] != .userDefined)
    }
  }

  /// A SentencePiece model: two neighbours merge where what they make is a token, the highest score
  /// first. Every way to make a token of two is a merge; its rank is the place of the score.
  func scoredModel() throws(TokenizerError) -> BytePairModel {
    guard case .array(.float32(let scores)) = values["scores"], scores.count == tokens.count,
      scores.allSatisfy(\.isFinite)
    else { throw error("scores", found: "none", expected: "a finite score for each token") }
    let (texts, ids) = tokens(of: [.normal, .byte])
    var model = BytePairModel(
      vocabulary: texts, ids: ids, alphabet: .characters(byteFallback: true),
      unknown: try id("unknown_token_id"), fusesUnknown: true, mergeCount: 2 * texts.count)
    let sorted = Set(scores).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: zip(sorted, UInt32(0)...))
    for (position, id) in ids.enumerated() where types[Int(id)] == .normal {
      let text = texts.utf8(at: position)
      for place in text.indices.dropFirst() where text[place] & 0xc0 != 0x80 {
        guard let left = model.id(of: text[..<place]), let right = model.id(of: text[place...])
        else { continue }
        model.addMerge(
          left, right, rank: ranks[scores[Int(id)]] ?? UInt32.max, product: UInt32(id))
      }
    }
    return model
  }
}
