import QuernContainers

/// A vocabulary and its merges, and how a piece of a text becomes tokens of it.
struct BytePairModel: Sendable {
  /// How the first symbols of a piece are made.
  enum Alphabet: Sendable {
    /// Each byte is a token, in the alphabet of byte-level vocabularies.
    case bytes
    /// Each character is a token; one that is none becomes its bytes' tokens (`<0x0A>`) where the
    /// vocabulary has all of them and this is wanted, else the unknown token.
    case characters(byteFallback: Bool)
  }

  private static let none = UInt32.max

  private let alphabet: Alphabet
  private let vocabulary: GGUFStrings
  private let ids: [Int32]
  private let index: TokenIndex
  private let ignoresMerges: Bool
  private let fusesUnknown: Bool
  private let unknown: UInt32?
  /// By byte: the token of that byte (byte level), or of that ASCII character.
  private var ofByte = [UInt32](repeating: none, count: 256)
  /// By byte: the token `<0x…>`.
  private var fallback: [UInt32] = []
  /// Rank and product of each pair of tokens, in one number.
  private(set) var merges: PairTable

  init(
    vocabulary: GGUFStrings, ids: [Int32], alphabet: Alphabet, unknown: UInt32? = nil,
    fusesUnknown: Bool = false, ignoresMerges: Bool = false, mergeCount: Int
  ) {
    (self.alphabet, self.vocabulary, self.ids) = (alphabet, vocabulary, ids)
    (self.unknown, self.fusesUnknown, self.ignoresMerges) = (unknown, fusesUnknown, ignoresMerges)
    var index = TokenIndex(capacity: vocabulary.count)
    for position in 0..<vocabulary.count { _ = index.insert(position, of: vocabulary) }
    self.index = index
    merges = PairTable(capacity: mergeCount)
    for byte in 0..<256 {
      let text: [UInt8]
      switch alphabet {
      case .bytes: text = ByteAlphabet.utf8(of: UInt8(byte))
      case .characters: text = [UInt8(byte)]
      }
      ofByte[byte] = id(of: text[...]) ?? Self.none
    }
    if case .characters(byteFallback: true) = alphabet {
      fallback = (0..<256).map { byte in
        let digits = String(byte, radix: 16, uppercase: true)
        return id(of: Array("<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)[...]) ?? Self.none
      }
    }
  }

  /// The id of a token of the vocabulary by its bytes.
  func id(of utf8: ArraySlice<UInt8>) -> UInt32? {
    index.position(of: utf8, in: vocabulary).map { UInt32(ids[$0]) }
  }

  /// Adds a merge, or replaces the rank of one that is there.
  mutating func addMerge(_ left: UInt32, _ right: UInt32, rank: UInt32, product: UInt32) {
    merges.set(left, right, UInt64(rank) << 32 | UInt64(product))
  }

  // MARK: Encoding

  /// Appends the tokens of a piece.
  ///
  /// A character that is no token, of a vocabulary without an unknown token, is left out.
  func encode(
    _ piece: ArraySlice<UInt8>, with merger: inout BytePairMerger, into ids: inout [UInt32]
  ) {
    if ignoresMerges, let id = wholeToken(piece) { return ids.append(id) }
    merger.removeAll()
    switch alphabet {
    case .bytes:
      for byte in piece where ofByte[Int(byte)] != Self.none { merger.append(ofByte[Int(byte)]) }
    case .characters: appendCharacters(piece, to: &merger)
    }
    merger.merge(by: merges, into: &ids)
  }

  private func wholeToken(_ piece: ArraySlice<UInt8>) -> UInt32? {
    switch alphabet {
    case .bytes: id(of: piece.flatMap(ByteAlphabet.utf8(of:))[...])
    case .characters: id(of: piece)
    }
  }

  private func appendCharacters(_ piece: ArraySlice<UInt8>, to merger: inout BytePairMerger) {
    /// An unknown character waits for the next, which it may be one with. Bytes of a character
    /// go ahead of it, as in the tokenizers library.
    var isUnknownPending = false
    var start = piece.startIndex
    while start < piece.endIndex {
      let end = piece[(start + 1)...].firstIndex { $0 & 0xc0 != 0x80 } ?? piece.endIndex
      let character = piece[start..<end]
      start = end
      if let id = characterToken(character) {
        if isUnknownPending, let unknown { merger.append(unknown) }
        isUnknownPending = false
        merger.append(id)
      } else if !fallback.isEmpty, character.allSatisfy({ fallback[Int($0)] != Self.none }) {
        for byte in character { merger.append(fallback[Int(byte)]) }
      } else if let unknown {
        if isUnknownPending, !fusesUnknown { merger.append(unknown) }
        isUnknownPending = true
      }
    }
    if isUnknownPending, let unknown { merger.append(unknown) }
  }

  private func characterToken(_ character: ArraySlice<UInt8>) -> UInt32? {
    guard character.count == 1 else { return id(of: character) }
    let id = ofByte[Int(character[character.startIndex])]
    return id == Self.none ? nil : id
  }
}
