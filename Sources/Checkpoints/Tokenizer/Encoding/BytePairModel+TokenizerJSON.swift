import QuernContainers

extension BytePairModel {
  /// The model of a `tokenizer.json`.
  ///
  /// - Parameter isByteLevel: pieces come as bytes.
  /// - Throws: for a model that is not BPE or has a field that no known family has, for a merge of
  ///   what is no token.
  init(_ tokenizer: TokenizerJSON, isByteLevel: Bool) throws(TokenizerError) {
    try Self.check(tokenizer)
    let merges = tokenizer.merges ?? GGUFStrings()
    let unknown = isByteLevel ? nil : try Self.unknown(tokenizer)
    self.init(
      vocabulary: tokenizer.vocabulary, ids: tokenizer.ids,
      alphabet: isByteLevel ? .bytes : .characters(byteFallback: tokenizer.byteFallback),
      unknown: unknown, fusesUnknown: tokenizer.fusesUnknown,
      ignoresMerges: tokenizer.ignoreMerges, mergeCount: merges.count)
    for position in 0..<merges.count {
      let (left, right, product) = TokenizerJSON.parts(of: merges.utf8(at: position))
      var ids: [UInt32] = []
      for token in [left, right, product] {
        guard let id = id(of: token) else { throw TokenizerJSON.missing(token, merge: position) }
        ids.append(id)
      }
      addMerge(ids[0], ids[1], rank: UInt32(position), product: ids[2])
    }
  }

  private static func check(_ tokenizer: TokenizerJSON) throws(TokenizerError) {
    guard tokenizer.modelType ?? "BPE" == "BPE" else {
      throw error(
        "model.type", found: (tokenizer.modelType ?? "").quotedForError, expected: "\"BPE\"")
    }
    guard tokenizer.vocabulary.count > 0 else {
      throw error("model.vocab", found: "no tokens", expected: "tokens and their ids")
    }
    if let field = tokenizer.unusualModelField {
      throw error("model.\(field)", found: "a value", expected: "null")
    }
  }

  private static func unknown(_ tokenizer: TokenizerJSON) throws(TokenizerError) -> UInt32? {
    guard let text = tokenizer.unknownText else { return nil }
    let position = (0..<tokenizer.vocabulary.count).first {
      tokenizer.vocabulary.utf8(at: $0).elementsEqual(text.utf8)
    }
    guard let position else {
      throw error("model.unk_token", found: text.quotedForError, expected: "a token of model.vocab")
    }
    return UInt32(tokenizer.ids[position])
  }

  private static func error(_ field: String, found: String, expected: String) -> TokenizerError {
    TokenizerError(
      file: TokenizerJSON.file, field: field, found: found,
      expected: "\(expected); \(TextTokenizer.wayOut)")
  }
}
