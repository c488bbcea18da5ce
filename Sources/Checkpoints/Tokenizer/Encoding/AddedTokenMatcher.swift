import QuernContainers

/// Finds added tokens in a text, before it is split and merged: the longest that begins at the
/// leftmost place.
struct AddedTokenMatcher: Sendable {
  /// A part of the text: a token, or what lies between two (`id` nil).
  struct Part: Equatable {
    let id: UInt32?
    let range: Range<Int>
  }

  private struct Entry: Sendable {
    let id: UInt32
    let token: TokenizerJSON.AddedToken
  }

  /// Longer ones are refused: looking for them could take time that grows with the square of a text.
  static let maximumByteCount = 4096

  /// Child of each (node, byte); the root is 0.
  private var children: PairTable
  /// Index in `entries` of the token that ends at each node, −1 for none.
  private var ends: [Int32] = [-1]
  private var entries: [Entry] = []
  private var isFirstByte = [Bool](repeating: false, count: 256)

  /// - Parameter texts: what to look for, one for each token: its text, normalized where the text
  ///   it is looked for in is.
  init(
    _ tokens: [TokenizerJSON.AddedToken], texts: [[UInt8]], file: String
  ) throws(TokenizerError) {
    children = PairTable(capacity: texts.reduce(0) { $0 + min($1.count, 16) })
    for (token, text) in zip(tokens, texts) where !text.isEmpty {
      guard text.count <= Self.maximumByteCount else {
        throw TokenizerError(
          file: file, field: "added token \(token.text.quotedForError)",
          found: "\(text.count) bytes", expected: "at most \(Self.maximumByteCount)")
      }
      insert(text, Entry(id: UInt32(token.id), token: token))
    }
  }

  private mutating func insert(_ text: [UInt8], _ entry: Entry) {
    isFirstByte[Int(text[0])] = true
    var node: UInt32 = 0
    for byte in text {
      if let child = children[node, UInt32(byte)] {
        node = UInt32(child)
      } else {
        let child = UInt32(ends.count)
        ends.append(-1)
        children.set(node, UInt32(byte), UInt64(child))
        node = child
      }
    }
    ends[Int(node)] = Int32(entries.count)
    entries.append(entry)
  }

  /// The longest token that begins at a byte.
  private func match(_ utf8: ArraySlice<UInt8>, at start: Int) -> (entry: Entry, end: Int)? {
    var found: (Entry, Int)?
    var node: UInt32 = 0
    var position = start
    while position < utf8.endIndex, let child = children[node, UInt32(utf8[position])] {
      node = UInt32(child)
      position += 1
      if ends[Int(node)] >= 0 { found = (entries[Int(ends[Int(node)])], position) }
    }
    return found
  }

  // MARK: Splitting

  /// The parts of a text, in order, which together are all of it.
  func parts(of utf8: ArraySlice<UInt8>) -> [Part] {
    var parts: [Part] = []
    /// The end of the last part, which a token takes spaces up to.
    var done = utf8.startIndex
    var position = utf8.startIndex
    while position < utf8.endIndex {
      guard isFirstByte[Int(utf8[position])], let (entry, end) = match(utf8, at: position) else {
        position += 1
        continue
      }
      let start = position
      position = end
      guard !entry.token.isSingleWord || Self.isAlone(utf8, start..<end) else { continue }
      let first =
        entry.token.stripsLeft ? max(done, Self.startOfSpaces(utf8, before: start)) : start
      let last = entry.token.stripsRight ? Self.endOfSpaces(utf8, from: end) : end
      if done < first { parts.append(Part(id: nil, range: done..<first)) }
      parts.append(Part(id: entry.id, range: min(first, last)..<last))
      done = last
    }
    if done < utf8.endIndex { parts.append(Part(id: nil, range: done..<utf8.endIndex)) }
    return parts
  }

  /// Whether no letter, mark, digit or connector stands right before or after a range.
  private static func isAlone(_ utf8: ArraySlice<UInt8>, _ range: Range<Int>) -> Bool {
    let before = String(decoding: utf8[..<range.lowerBound].suffix(4), as: UTF8.self)
    let after = String(decoding: utf8[range.upperBound...].prefix(4), as: UTF8.self)
    let neighbours = [before.unicodeScalars.last, after.unicodeScalars.first]
    return !neighbours.contains { $0.map(isWordCharacter) ?? false }
  }

  /// `\w` as Unicode defines it for patterns (UTS #18, annex C).
  private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return properties.isAlphabetic || properties.isJoinControl
    }
  }

  private static func startOfSpaces(_ utf8: ArraySlice<UInt8>, before end: Int) -> Int {
    var end = end
    while end > utf8.startIndex {
      let start = utf8[..<end].lastIndex { $0 & 0xc0 != 0x80 } ?? end
      guard isSpace(utf8[start..<end]) else { break }
      end = start
    }
    return end
  }

  private static func endOfSpaces(_ utf8: ArraySlice<UInt8>, from start: Int) -> Int {
    var start = start
    while start < utf8.endIndex {
      let end = utf8[(start + 1)...].firstIndex { $0 & 0xc0 != 0x80 } ?? utf8.endIndex
      guard isSpace(utf8[start..<end]) else { break }
      start = end
    }
    return start
  }

  private static func isSpace(_ character: ArraySlice<UInt8>) -> Bool {
    let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first
    return scalar?.properties.isWhitespace ?? false
  }
}
