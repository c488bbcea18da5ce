import QuernContainers

/// Builds the tokens of a byte-level BPE tokenizer from `tokenizer.json`.
///
/// Vocabulary strings stay in the byte alphabet (space = U+0120); added tokens are plain text.
struct ByteLevelVocabulary {
  let tokenizer: TokenizerJSON
  let config: TokenizerConfig
  private let index: TokenIndex
  private(set) var warnings: [String] = []

  init(_ tokenizer: TokenizerJSON, config: TokenizerConfig) {
    self.tokenizer = tokenizer
    self.config = config
    var index = TokenIndex(capacity: tokenizer.vocabulary.count)
    for position in 0..<tokenizer.vocabulary.count {
      _ = index.insert(position, of: tokenizer.vocabulary)
    }
    self.index = index
  }

  /// The tokens by id.
  ///
  /// - Throws: when the model is not BPE, an id is not below `size`, or two tokens share an id.
  mutating func table(size: Int) throws(TokenizerError) -> TokenTable {
    guard tokenizer.modelType ?? "BPE" == "BPE" else {
      throw error(
        "model.type", found: (tokenizer.modelType ?? "").quotedForError, expected: "\"BPE\"")
    }
    guard tokenizer.vocabulary.count > 0 else {
      throw error("model.vocab", found: "no tokens", expected: "an object of tokens and ids")
    }
    var table = try TokenTable(size: size, paddingScore: 0)
    try addVocabulary(to: &table)
    var added: Set<Int> = []
    for token in tokenizer.addedTokens {
      guard token.id < size else {
        throw tooLarge("added token \(token.text.quotedForError)", token.id, size)
      }
      guard added.insert(token.id).inserted else {
        throw error(
          "added token \(token.text.quotedForError)",
          found: "id \(token.id), which another added token has", expected: "an id of its own")
      }
      add(token.id, token.text, TokenType(addedToken: token.text, special: token.isSpecial), &table)
    }
    mergeConfig(into: &table)
    if table.holes > 0 {
      warnings.append(
        "\(TokenizerJSON.file): \(table.holes) ids below the largest have no token; "
          + "padding tokens fill them")
    }
    return table
  }

  private func addVocabulary(to table: inout TokenTable) throws(TokenizerError) {
    for position in 0..<tokenizer.vocabulary.count {
      let id = Int(tokenizer.ids[position])
      guard id < table.count, !table.isSet(id) else {
        let text = tokenizer.vocabulary[position].text.quotedForError
        guard id < table.count else { throw tooLarge("token \(text)", id, table.count) }
        throw error(
          "model.vocab.\(text)", found: "id \(id), which another token has",
          expected: "an id of its own")
      }
      table.set(id, tokenizer.vocabulary.utf8(at: position), .normal)
    }
  }

  private func add(_ id: Int, _ text: String, _ type: TokenType, _ table: inout TokenTable) {
    table.set(id, (type == .userDefined ? text.withPlainSpaces : text).utf8, type)
  }

  /// Tokens that only `tokenizer_config.json` calls added or special are so for transformers too.
  private mutating func mergeConfig(into table: inout TokenTable) {
    var differing = Tally()
    for token in config.addedTokens where token.id < table.count {
      let type = TokenType(addedToken: token.text, special: token.isSpecial)
      if table.isSet(token.id), !hasText(token.text, token.id, table) {
        differing.add("token \(token.id), there \(token.text.quotedForError)")
      } else {
        add(token.id, token.text, type, &table)
      }
    }
    if let differing = differing.summary {
      warnings.append(
        "\(TokenizerConfig.file): its added tokens differ from \(TokenizerJSON.file), which is "
          + "followed: \(differing)")
    }
    markNamedTokens(in: &table)
  }

  private func hasText(_ text: String, _ id: Int, _ table: TokenTable) -> Bool {
    let found = table.utf8(of: id)
    return found.elementsEqual(text.utf8) || found.elementsEqual(text.withPlainSpaces.utf8)
  }

  private func markNamedTokens(in table: inout TokenTable) {
    for text in config.specialTexts {
      guard let id = vocabularyID(text), table.type(of: id) == .normal else { continue }
      table.setType(id, .control)
    }
  }

  private func vocabularyID(_ text: String) -> Int? {
    index.position(of: Array(text.utf8)[...], in: tokenizer.vocabulary).map {
      Int(tokenizer.ids[$0])
    }
  }

  // MARK: Merges

  /// The merges as they are written; every part and every product must be a token.
  func checkedMerges() throws(TokenizerError) -> GGUFStrings {
    guard let merges = tokenizer.merges, merges.count > 0 else {
      throw error("model.merges", found: "none", expected: "a list of merges")
    }
    for position in 0..<merges.count {
      let (left, right, product) = TokenizerJSON.parts(of: merges.utf8(at: position))
      for token in [left, right, product]
      where index.position(of: token, in: tokenizer.vocabulary) == nil {
        throw TokenizerJSON.missing(token, merge: position)
      }
    }
    return merges
  }

  private func tooLarge(_ what: String, _ id: Int, _ size: Int) -> TokenizerError {
    error(what, found: "id \(id)", expected: "an id below vocab_size \(size) of config.json")
  }

  private func error(_ field: String, found: String, expected: String) -> TokenizerError {
    TokenizerError(file: TokenizerJSON.file, field: field, found: found, expected: expected)
  }
}
