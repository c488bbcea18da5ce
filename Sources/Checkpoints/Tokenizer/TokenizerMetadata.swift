import QuernContainers

/// What a checkpoint's tokenizer files become in a GGUF file.
package struct TokenizerResult: Sendable {
  /// In the order of the file.
  package let keyValues: [GGUFKeyValue]
  /// What the user should know, one sentence each.
  package let warnings: [String]
}

/// Turns a checkpoint's tokenizer files into GGUF metadata.
package struct TokenizerMetadata {
  /// The key-values of a checkpoint's tokenizer, `tokenizer.ggml.model` to
  /// `tokenizer.chat_template`.
  ///
  /// - Parameters:
  ///   - architecture: the value of `general.architecture`, which decides the files that are read.
  ///   - vocabularySize: `vocab_size` of the config: the number of tokens that are written.
  ///   - writesVocabularySize: without tokenizer files, add `ARCH.vocab_size`; false where the
  ///     architecture's own keys have it.
  ///   - config: `config.json`.
  ///   - chatTemplate: the user's template, which wins over the folder's.
  ///   - preTokenizer: the user's name for the split patterns, which is not compared with them.
  /// - Throws: `TokenizerError`; nothing is guessed where a guess would give a model that loads
  ///   and tokenizes differently.
  package static func keyValues(
    files: TokenizerFiles, architecture: String, vocabularySize: Int,
    writesVocabularySize: Bool = true, config: JSONObject, chatTemplate: String? = nil,
    preTokenizer: String? = nil
  ) throws(TokenizerError) -> TokenizerResult {
    let table = try PreTokenizerTable()
    let name = try preTokenizer.map { name throws(TokenizerError) in try table.checked(name) }
    let tokenizerConfig = try TokenizerConfig(
      parsing: files.tokenizerConfig, specialTokensMap: files.specialTokensMap)
    let builder = TokenizerMetadata(
      family: TokenizerFamily(architecture: architecture), files: files,
      tokenizerConfig: tokenizerConfig, vocabularySize: vocabularySize, config: config,
      preTokenizer: name, table: table)
    var (result, warnings) = try builder.vocabulary(architecture, writesVocabularySize)
    let templates = try ChatTemplates(
      override: chatTemplate, files: files, config: tokenizerConfig
    ).keyValues
    if templates.isEmpty {
      warnings.append("the folder has no chat template, so the GGUF file gets none")
    }
    result += templates
    return TokenizerResult(keyValues: result, warnings: warnings)
  }

  /// Checks a name that the user gives for the split patterns.
  package static func checkPreTokenizer(_ name: String) throws(TokenizerError) {
    _ = try PreTokenizerTable().checked(name)
  }

  private let family: TokenizerFamily
  private let files: TokenizerFiles
  private let tokenizerConfig: TokenizerConfig
  private let vocabularySize: Int
  private let config: JSONObject
  private let preTokenizer: String?
  private let table: PreTokenizerTable

  private typealias Part = (keyValues: [GGUFKeyValue], warnings: [String])

  private func vocabulary(
    _ architecture: String, _ writesSize: Bool
  ) throws(TokenizerError) -> Part {
    let tokenizer = try files.tokenizerJSON.map { bytes throws(TokenizerError) in
      try TokenizerJSON(parsing: bytes)
    }
    var part: Part
    if family != .byteLevelOnly, let bytes = files.tokenizerModel {
      part = try sentencePiece(try SentencePieceModel(parsing: bytes), tokenizer)
    } else if let tokenizer {
      part =
        family == .llama && tokenizer.isByteFallback
        ? try byteFallback(tokenizer) : try byteLevel(tokenizer)
    } else {
      return try weightsOnly(architecture, writesSize)
    }
    if family == .llama, let prefix = tokenizerConfig["add_prefix_space"]?.bool {
      part.keyValues.insert(
        GGUFKeyValue("tokenizer.ggml.add_space_prefix", .bool(prefix)), at: 0)
    }
    return part
  }

  private func weightsOnly(_ architecture: String, _ writesSize: Bool) throws(TokenizerError)
    -> Part
  {
    guard (1...TokenTable.maximumSize).contains(vocabularySize) else {
      throw TokenizerError(
        file: "config.json", field: "vocab_size", found: "\(vocabularySize)",
        expected: "1 to \(TokenTable.maximumSize)")
    }
    var result = [GGUFKeyValue("tokenizer.ggml.model", .text("none"))]
    if writesSize {
      result.insert(
        GGUFKeyValue("\(architecture).vocab_size", .uint32(UInt32(vocabularySize))), at: 0)
    }
    let wanted =
      family == .byteLevelOnly
      ? TokenizerJSON.file : "\(SentencePieceModel.file) or \(TokenizerJSON.file)"
    return (
      result,
      ["the folder has no \(wanted): the GGUF file holds weights only and cannot tokenize"]
    )
  }

  // MARK: Styles

  private func sentencePiece(
    _ model: SentencePieceModel, _ tokenizer: TokenizerJSON?
  ) throws(TokenizerError) -> Part {
    let vocabulary = try SentencePieceVocabulary(
      model: model, files: files, config: tokenizerConfig, size: vocabularySize)
    return try scored(vocabulary, tokenizer, file: SentencePieceModel.file)
  }

  private func byteFallback(_ tokenizer: TokenizerJSON) throws(TokenizerError) -> Part {
    let vocabulary = try SentencePieceVocabulary(
      bytePairs: tokenizer, config: tokenizerConfig, size: vocabularySize)
    return try scored(vocabulary, tokenizer, file: TokenizerJSON.file)
  }

  private func scored(
    _ vocabulary: SentencePieceVocabulary, _ tokenizer: TokenizerJSON?, file: String
  ) throws(TokenizerError) -> Part {
    var result = header(model: "llama", pre: "default")
    result += try vocabulary.table.keyValues(file: file, withScores: true)
    let special = specialTokens(tokenizer)
    var warnings = vocabulary.warnings + special.warnings
    if preTokenizer != nil {
      warnings.append("--pre-tokenizer has no effect on a SentencePiece-style tokenizer")
    }
    return (result + special.keyValues, warnings)
  }

  private func byteLevel(_ tokenizer: TokenizerJSON) throws(TokenizerError) -> Part {
    var vocabulary = ByteLevelVocabulary(tokenizer, config: tokenizerConfig)
    let tokens = try vocabulary.table(size: vocabularySize)
    let merges = try vocabulary.checkedMerges()
    let special = specialTokens(tokenizer)
    let begins = special.addsBeginning || tokenizerConfig["add_bos_token"]?.bool == true
    let pre: String
    if let preTokenizer {
      pre = preTokenizer
    } else {
      pre = try table.name(for: tokenizer, beginsWithBOS: begins)
    }
    var result = header(model: "gpt2", pre: pre)
    result += try tokens.keyValues(file: TokenizerJSON.file, withScores: false)
    result.append(GGUFKeyValue("tokenizer.ggml.merges", .array(.strings(merges))))
    return (result + special.keyValues, vocabulary.warnings + special.warnings)
  }

  private func header(model: String, pre: String) -> [GGUFKeyValue] {
    [
      GGUFKeyValue("tokenizer.ggml.model", .text(model)),
      GGUFKeyValue("tokenizer.ggml.pre", .text(pre)),
    ]
  }

  private func specialTokens(_ tokenizer: TokenizerJSON?) -> SpecialTokens {
    var special = SpecialTokens(
      tokenizer: tokenizer, config: tokenizerConfig, modelConfig: config,
      vocabularySize: vocabularySize)
    guard family == .llama else { return special }
    // Two families that share the class and are known by their vocabulary (conversion/llama.py):
    // Code Llama ends a fill-in with <EOT>, Granite's small code models want no first token.
    if vocabularySize == 32016 { special.set("eot", 32010, file: "config.json") }
    if vocabularySize == 49152 { special.setFlag("bos", false) }
    return special
  }
}

extension TokenizerJSON {
  /// A SentencePiece model that was converted to BPE: bytes without a token become byte pieces.
  fileprivate var isByteFallback: Bool {
    modelType == "BPE" && byteFallback && decoder.object?["type"]?.string == "Sequence"
  }
}
