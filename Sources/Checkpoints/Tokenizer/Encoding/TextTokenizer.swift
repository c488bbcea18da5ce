import QuernContainers

/// Turns texts into token ids as the tokenizers library does.
///
///     text ─▶ added tokens split out ─▶ normalizer ─▶ added tokens of the normalized text split out
///          ─▶ pieces by known patterns ─▶ merges ─▶ ids
///
/// Families: byte-level BPE (GPT-2, Llama 3, Qwen, DeepSeek) and BPE in SentencePiece's style
/// (Llama 2). Steps are recognised by their exact form, never executed; one that Quern does not know
/// is an error. Bytes that are no UTF-8 are read as U+FFFD, one for each maximal subpart (Unicode,
/// section 3.9), as Python's `errors="replace"` does.
package struct TextTokenizer: Sendable {
  /// What a user can do where a tokenizer is not understood.
  static let wayOut = "give token ids with --tokens instead of a text"

  /// Longer texts are refused: they have more tokens than anyone runs, and merging a text that is
  /// one piece takes some forty bytes for each of its characters.
  package static let maximumByteCount = 1 << 26

  /// Tokens that the tokenizer puts before every text: usually BOS or none. `encode` does not.
  package let prefix: [UInt32]
  /// Tokens that the tokenizer puts after every text: usually none. `encode` does not.
  package let suffix: [UInt32]
  /// The token that a text begins with, whether or not the tokenizer puts it there.
  package let bos: UInt32?
  /// The token that a text ends with.
  package let eos: UInt32?
  /// One more than the largest id that `encode` gives.
  package let idLimit: Int

  private let verbatim: AddedTokenMatcher
  private let normalizer: TextNormalizer
  private let normalized: AddedTokenMatcher
  private let splitter: PieceSplitter
  private let model: BytePairModel

  /// Of a checkpoint folder.
  ///
  /// - Parameter config: its `config.json`, for ids of special tokens that the other files lack.
  /// - Throws: `CheckpointError` when a file cannot be read, there is no `tokenizer.json`, or it has
  ///   a step that Quern does not know.
  package init(
    folder: String, config: JSONObject = JSONObject()
  ) throws(CheckpointError) {
    let (files, _) = try FolderTexts.read(folder)
    do throws(TokenizerError) {
      try self.init(files, config: config)
    } catch { throw .problem(error.problem(in: folder)) }
  }

  /// - Parameters:
  ///   - files: `tokenizer.json` and, for the special tokens, `tokenizer_config.json`.
  ///   - config: `config.json`, for ids of special tokens that the other files lack.
  package init(_ files: TokenizerFiles, config: JSONObject = JSONObject()) throws(TokenizerError) {
    let tokenizer = try Self.tokenizer(files)
    let settings = try TokenizerConfig(
      parsing: files.tokenizerConfig, specialTokensMap: files.specialTokensMap)
    let surrounding = try SurroundingTokens(tokenizer.postProcessor)
    let splitter = try PieceSplitter(tokenizer.preTokenizer, table: PreTokenizerTable())
    let ids = tokenizer.ids.map(Int.init) + tokenizer.addedTokens.map(\.id)
    let idLimit = 1 + (ids.max() ?? 0)
    let special = SpecialTokens(
      tokenizer: tokenizer, config: settings, modelConfig: config, vocabularySize: idLimit)
    let bos = special.id("bos").map { UInt32($0) } ?? surrounding.prefix.first
    let addsBOS = !surrounding.isStated && settings["add_bos_token"]?.bool == true
    try self.init(
      splitter: splitter, normalizer: TextNormalizer(tokenizer.normalizer),
      model: BytePairModel(tokenizer, isByteLevel: splitter.isByteLevel),
      addedTokens: tokenizer.addedTokens, file: TokenizerJSON.file,
      prefix: addsBOS ? bos.map { [$0] } ?? [] : surrounding.prefix, suffix: surrounding.suffix,
      bos: bos, eos: special.id("eos").map { UInt32($0) }, idLimit: idLimit)
  }

  private static func tokenizer(_ files: TokenizerFiles) throws(TokenizerError) -> TokenizerJSON {
    guard let bytes = files.tokenizerJSON else {
      throw TokenizerError(
        file: TokenizerJSON.file, field: "the file",
        found: files.tokenizerModel == nil ? "none" : "only \(SentencePieceModel.file)",
        expected: "a tokenizer, to turn a text into token ids; \(wayOut)")
    }
    return try TokenizerJSON(parsing: bytes)
  }

  init(
    splitter: PieceSplitter, normalizer: TextNormalizer, model: BytePairModel,
    addedTokens: [TokenizerJSON.AddedToken], file: String, prefix: [UInt32], suffix: [UInt32],
    bos: UInt32?, eos: UInt32?, idLimit: Int
  ) throws(TokenizerError) {
    (self.splitter, self.normalizer, self.model) = (splitter, normalizer, model)
    (self.prefix, self.suffix, self.bos, self.eos) = (prefix, suffix, bos, eos)
    self.idLimit = idLimit
    let plain = addedTokens.filter { !$0.isNormalized }
    verbatim = try AddedTokenMatcher(plain, texts: plain.map { Array($0.text.utf8) }, file: file)
    let others = addedTokens.filter(\.isNormalized)
    var texts: [[UInt8]] = []
    for token in others { texts.append(Array(try normalizer.apply(Array(token.text.utf8)[...]))) }
    normalized = try AddedTokenMatcher(others, texts: texts, file: file)
  }

  // MARK: Encoding

  /// The ids of a text, without `prefix` and `suffix`.
  ///
  /// - Throws: for a text of more than `maximumByteCount` bytes.
  package func encode(_ utf8: [UInt8]) throws(TokenizerError) -> [UInt32] {
    guard utf8.count <= Self.maximumByteCount else {
      throw TokenizerError(
        file: "the text", field: "size", found: "\(utf8.count) bytes",
        expected: "at most \(Self.maximumByteCount)")
    }
    let isWellFormed = String(validating: utf8, as: UTF8.self) != nil
    let text = isWellFormed ? utf8 : Array(String(decoding: utf8, as: UTF8.self).utf8)
    var ids: [UInt32] = []
    var merger = BytePairMerger()
    for part in verbatim.parts(of: text[...]) {
      if let id = part.id {
        ids.append(id)
      } else {
        try encode(text[part.range], isStart: part.range.lowerBound == 0, &merger, &ids)
      }
    }
    return ids
  }

  /// Appends the ids of what lies between two added tokens.
  private func encode(
    _ utf8: ArraySlice<UInt8>, isStart: Bool, _ merger: inout BytePairMerger, _ ids: inout [UInt32]
  ) throws(TokenizerError) {
    let text = try normalizer.apply(utf8)
    for part in normalized.parts(of: text) {
      if let id = part.id {
        ids.append(id)
      } else if let metaspace = splitter.metaspace {
        let start = isStart && part.range.lowerBound == text.startIndex
        metaspace.forEachWord(of: metaspace.apply(text[part.range], isStart: start)) {
          model.encode($0, with: &merger, into: &ids)
        }
      } else {
        splitter.forEachPiece(of: text[part.range]) {
          model.encode($0, with: &merger, into: &ids)
        }
      }
    }
  }
}
