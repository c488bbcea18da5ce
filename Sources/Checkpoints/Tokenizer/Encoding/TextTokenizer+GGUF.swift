import QuernContainers

extension TextTokenizer {
  /// Of a GGUF file: `tokenizer.ggml.model` gpt2 (byte-level BPE) or llama (SentencePiece).
  ///
  /// Qwen's normalizer is taken from the name of its split patterns: the file does not say it.
  ///
  /// - Parameter file: the file's name, for errors.
  package init(gguf keyValues: [GGUFKeyValue], file: String) throws(TokenizerError) {
    let reader = try GGUFVocabulary(keyValues, file: file)
    switch reader.model {
    case "gpt2": try self.init(byteLevel: reader)
    case "llama": try self.init(scored: reader)
    default:
      throw reader.error(
        "model", found: reader.model.quotedForError, expected: "\"gpt2\" or \"llama\"")
    }
  }

  private init(byteLevel reader: GGUFVocabulary) throws(TokenizerError) {
    let table = try PreTokenizerTable()
    let name = reader.text("pre") ?? ""
    guard let entry = table.entry(named: name) else {
      throw reader.error(
        "pre", found: name.quotedForError, expected: "a name of split patterns that Quern knows")
    }
    guard let merges = reader.strings("merges") else {
      throw reader.error("merges", found: "none", expected: "a list of merges")
    }
    let (texts, ids) = reader.tokens(of: [.normal])
    var model = BytePairModel(
      vocabulary: texts, ids: ids, alphabet: .bytes, ignoresMerges: entry.ignoreMerges ?? false,
      mergeCount: merges.count)
    for position in 0..<merges.count {
      let (left, right, product) = TokenizerJSON.parts(of: merges.utf8(at: position))
      // A file may list merges of tokens that it marks as added ones: they are never made.
      guard let first = model.id(of: left), let second = model.id(of: right),
        let whole = model.id(of: product)
      else { continue }
      model.addMerge(first, second, rank: UInt32(position), product: whole)
    }
    let begins = entry.beginsWithBOS ?? (name == "llama-bpe")
    try self.init(
      reader, model, PieceSplitter(chain: entry.chain, table: table),
      TextNormalizer(steps: entry.normalizers.contains("NFC") ? [.compose] : []), begins)
  }

  private init(scored reader: GGUFVocabulary) throws(TokenizerError) {
    let visible = Array("\u{2581}".utf8)
    var steps = [TextNormalizer.Step.replace([0x20], with: visible)]
    if reader.flag("add_space_prefix") ?? true { steps.insert(.prepend(visible), at: 0) }
    let table = try PreTokenizerTable()
    try self.init(
      reader, try reader.scoredModel(),
      PieceSplitter(chain: PreTokenizerChain(steps: []), table: table),
      TextNormalizer(steps: steps), true)
  }

  private init(
    _ reader: GGUFVocabulary, _ model: BytePairModel, _ splitter: PieceSplitter,
    _ normalizer: TextNormalizer, _ begins: Bool
  ) throws(TokenizerError) {
    let (bos, eos) = (try reader.id("bos_token_id"), try reader.id("eos_token_id"))
    func added(_ flag: String, _ id: UInt32?, _ standard: Bool) -> [UInt32] {
      reader.flag(flag) ?? standard ? id.map { [$0] } ?? [] : []
    }
    try self.init(
      splitter: splitter, normalizer: normalizer, model: model,
      addedTokens: reader.addedTokens, file: reader.file,
      prefix: added("add_bos_token", bos, begins), suffix: added("add_eos_token", eos, false),
      bos: bos, eos: eos, idLimit: reader.tokens.count)
  }
}
