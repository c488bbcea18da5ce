import QuernContainers

/// Builds the tokens of a SentencePiece-style tokenizer: pieces as they are (U+2581 kept), scores,
/// and added tokens over them.
struct SentencePieceVocabulary {
  private static let addedScore: Float = -1000
  private static let paddingScore: Float = -10000
  static let addedTokensFile = "added_tokens.json"

  private(set) var table: TokenTable
  private(set) var warnings: [String] = []
  private var beyond = Tally()

  /// From `tokenizer.model`, `added_tokens.json` and `added_tokens_decoder`, each over the last.
  init(
    model: SentencePieceModel, files: TokenizerFiles, config: TokenizerConfig, size: Int
  ) throws(TokenizerError) {
    table = try TokenTable(size: size, paddingScore: Self.paddingScore)
    for id in 0..<min(model.count, size) {
      table.set(id, model.texts.utf8(at: id), model.types[id], score: model.scores[id])
    }
    if model.count > size {
      warnings.append(
        "\(SentencePieceModel.file): \(model.count - size) of \(model.count) pieces lie beyond "
          + "vocab_size \(size) and are left out")
    }
    if model.isUnigram {
      warnings.append(
        "\(SentencePieceModel.file): a unigram model; llama.cpp merges by score, so that some "
          + "texts are split differently")
    }
    try addTokens(files.addedTokens)
    for token in config.addedTokens {
      let type = TokenType(addedToken: token.text, special: token.isSpecial)
      add(token.id, token.text, type, file: TokenizerConfig.file)
    }
    if let beyond = beyond.summary {
      warnings.append("added tokens beyond vocab_size \(size) are left out: \(beyond)")
    }
  }

  /// From a `tokenizer.json` that is a SentencePiece model converted to BPE with byte fallback.
  ///
  /// The file has no scores. BPE models count down from the first piece after the byte pieces, and
  /// readers merge by score, so that is what is written (llama.cpp writes −1000 for all, which
  /// loses the order of the merges).
  init(
    bytePairs tokenizer: TokenizerJSON, config: TokenizerConfig, size: Int
  ) throws(TokenizerError) {
    var builder = ByteLevelVocabulary(tokenizer, config: config)
    let source = try builder.table(size: size)
    warnings = builder.warnings
    table = try TokenTable(size: size, paddingScore: Self.paddingScore)
    let known = (0..<size).filter { source.isSet($0) }
    let first = 1 + (known.last { TokenType.isBytePiece(source.utf8(of: $0)) } ?? -1)
    let inVocabulary = Set(tokenizer.ids)
    for id in known {
      let utf8 = source.utf8(of: id)
      let isBase = inVocabulary.contains(Int32(id))
      let type = TokenType.isBytePiece(utf8) ? .byte : source.type(of: id)
      let score = isBase ? -Float(max(0, id - first)) : Self.addedScore
      table.set(id, utf8, type, score: score)
    }
    markUnknown(tokenizer, config)
  }

  private mutating func markUnknown(_ tokenizer: TokenizerJSON, _ config: TokenizerConfig) {
    guard let text = config.tokenText("unk_token"), let id = tokenizer.addedTokenID(text),
      id < table.count
    else { return }
    table.setType(id, .unknown)
  }

  private mutating func addTokens(_ bytes: [UInt8]?) throws(TokenizerError) {
    guard let bytes else { return }
    let tokens = try JSONObject(parsing: bytes, file: Self.addedTokensFile)
    for (text, value) in tokens.members {
      guard let id = value.integer, id >= 0 else {
        throw TokenizerError(
          file: Self.addedTokensFile, field: text.quotedForError, found: value.summary,
          expected: "an id")
      }
      add(id, text, .userDefined, file: Self.addedTokensFile)
    }
  }

  private mutating func add(_ id: Int, _ text: String, _ type: TokenType, file: String) {
    guard id < table.count else {
      return beyond.add("\(text.quotedForError) with id \(id) in \(file)")
    }
    let plain = type == .userDefined && file == TokenizerConfig.file
    table.set(id, (plain ? text.withPlainSpaces : text).utf8, type, score: Self.addedScore)
  }
}
