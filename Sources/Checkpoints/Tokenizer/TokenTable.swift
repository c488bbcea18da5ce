import QuernContainers

/// The tokens of a vocabulary by id, while it is put together from several files.
struct TokenTable {
  /// Twice what the largest tokenizer in use has; bounds what a config can ask for.
  static let maximumSize = 1 << 21

  /// Texts in the order in which they were set; a token set twice leaves its first text unused.
  private var texts = GGUFStrings()
  /// Position in `texts` of each id, −1 where no file gave a token.
  private var positions: [Int32]
  private var types: [TokenType]
  private var scores: [Float]

  var count: Int { positions.count }

  /// - Parameter size: `vocab_size` of the config.
  /// - Parameter paddingScore: the score of ids that no file names.
  init(size: Int, paddingScore: Float) throws(TokenizerError) {
    guard (1...Self.maximumSize).contains(size) else {
      throw TokenizerError(
        file: "config.json", field: "vocab_size", found: "\(size)",
        expected: "1 to \(Self.maximumSize)")
    }
    positions = Array(repeating: -1, count: size)
    types = Array(repeating: .unused, count: size)
    scores = Array(repeating: paddingScore, count: size)
  }

  func isSet(_ id: Int) -> Bool { positions[id] >= 0 }
  func type(of id: Int) -> TokenType { types[id] }

  /// The bytes of a token that is set.
  func utf8(of id: Int) -> ArraySlice<UInt8> { texts.utf8(at: Int(positions[id])) }

  /// Sets or replaces a token; `id` must be in range.
  mutating func set(_ id: Int, _ utf8: some Sequence<UInt8>, _ type: TokenType, score: Float = 0) {
    positions[id] = Int32(texts.count)
    texts.append(utf8)
    types[id] = type
    scores[id] = score
  }

  mutating func setType(_ id: Int, _ type: TokenType) { types[id] = type }

  /// Ids without a token that lie below one with a token.
  var holes: Int {
    let last = positions.lastIndex { $0 >= 0 } ?? -1
    return positions[..<(last + 1)].count { $0 < 0 }
  }

  /// The arrays `tokens`, `scores` if wanted, and `token_type`, padded to the vocabulary's size.
  ///
  /// - Throws: when two ids have the same text: readers abort on it.
  func keyValues(file: String, withScores: Bool) throws(TokenizerError) -> [GGUFKeyValue] {
    var result = [
      GGUFKeyValue("tokenizer.ggml.tokens", .array(.strings(try distinctTokens(file: file))))
    ]
    if withScores {
      result.append(GGUFKeyValue("tokenizer.ggml.scores", .array(.float32(scores))))
    }
    result.append(
      GGUFKeyValue("tokenizer.ggml.token_type", .array(.int32(types.map(\.rawValue)))))
    return result
  }

  private func distinctTokens(file: String) throws(TokenizerError) -> GGUFStrings {
    var tokens = GGUFStrings()
    var index = TokenIndex(capacity: count)
    for id in 0..<count {
      if isSet(id) { tokens.append(utf8(of: id)) } else { tokens.append("[PAD\(id)]".utf8) }
      if let other = index.insert(id, of: tokens) {
        throw TokenizerError(
          file: file, field: "token \(id)",
          found: "the text of token \(other), "
            + tokens[id].text.quotedForError, expected: "a text of its own")
      }
    }
    return tokens
  }
}
