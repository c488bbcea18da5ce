import QuernContainers

/// The step that writes spaces as a visible character (SentencePiece's U+2581) and puts one before a
/// text.
struct Metaspace: Equatable, Sendable {
  enum Prefix: String, Sendable {
    case always, first, never
  }

  let replacement: [UInt8]
  let prefix: Prefix
  /// Words are pieces of their own, each with the space before it.
  let splitsWords: Bool

  /// Nil for a step of another type.
  init?(_ value: JSONValue) throws(TokenizerError) {
    guard let step = value.object, step["type"]?.string == "Metaspace" else { return nil }
    // Files older than prepend_scheme have add_prefix_space.
    let older = step["add_prefix_space"]?.bool ?? true ? "always" : "never"
    let scheme = step["prepend_scheme"]?.string ?? older
    guard let prefix = Prefix(rawValue: scheme),
      let replacement = step["replacement"]?.string,
      (1...TextNormalizer.maximumInsertion).contains(replacement.utf8.count)
    else {
      throw TokenizerError(
        file: TokenizerJSON.file, field: "pre_tokenizer", found: "Metaspace of another form",
        expected: "a replacement and prepend_scheme always, first or never")
    }
    self.replacement = Array(replacement.utf8)
    self.prefix = prefix
    splitsWords = step["split"]?.bool ?? true
  }

  /// The text with its spaces replaced.
  ///
  /// - Parameter isStart: nothing of the user's text lies before it.
  func apply(_ utf8: ArraySlice<UInt8>, isStart: Bool) -> ArraySlice<UInt8> {
    var result: [UInt8] = []
    result.reserveCapacity(utf8.count + replacement.count)
    for byte in utf8 {
      if byte == 0x20 { result.append(contentsOf: replacement) } else { result.append(byte) }
    }
    let wantsPrefix = prefix == .always || prefix == .first && isStart
    return (wantsPrefix && !result.starts(with: replacement) ? replacement + result : result)[...]
  }

  /// Calls `body` with each word, which begins with the replacement unless it is the first.
  func forEachWord(of utf8: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Void) {
    var start = utf8.startIndex
    guard splitsWords else { return utf8.isEmpty ? () : body(utf8) }
    for index in utf8.indices where index > start && utf8[index...].starts(with: replacement) {
      body(utf8[start..<index])
      start = index
    }
    if start < utf8.endIndex { body(utf8[start...]) }
  }
}
