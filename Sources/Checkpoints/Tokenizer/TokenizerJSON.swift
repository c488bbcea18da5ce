import QuernContainers

/// `tokenizer.json`, with the vocabulary and the merges in flat buffers: the file of a model with
/// 128,000 tokens never becomes a tree.
struct TokenizerJSON {
  static let file = "tokenizer.json"

  struct AddedToken: Sendable {
    let id: Int
    let text: String
    let isSpecial: Bool
    /// Looked for in the normalized text rather than in the text itself.
    var isNormalized = false
    /// White space before or after it belongs to it.
    var stripsLeft = false
    var stripsRight = false
    /// Only where no letter or digit stands beside it.
    var isSingleWord = false
  }

  /// Texts of `model.vocab` in the order of the file, and the id of each.
  private(set) var vocabulary = GGUFStrings()
  private(set) var ids: [Int32] = []
  /// One string per merge, left and right with a space between; nil if the file has no list.
  private(set) var merges: GGUFStrings?
  private(set) var addedTokens: [AddedToken] = []
  /// `model.type`; nil in files older than the field.
  private(set) var modelType: String?
  private(set) var byteFallback = false
  private(set) var ignoreMerges = false
  /// `model.unk_token`: what stands for characters that are no token.
  private(set) var unknownText: String?
  /// `model.fuse_unk`: one unknown token for several such characters in a row.
  private(set) var fusesUnknown = false
  /// A field of the model that changes how texts are merged and that no family in use has.
  private(set) var unusualModelField: String?
  private(set) var normalizer = JSONValue.null
  private(set) var preTokenizer = JSONValue.null
  private(set) var postProcessor = JSONValue.null
  private(set) var decoder = JSONValue.null

  private var scanner: JSONScanner

  init(parsing bytes: [UInt8]) throws(TokenizerError) {
    scanner = JSONScanner(bytes)
    do throws(Problem) {
      try readRoot()
    } catch {
      switch error {
      case .json(let error): throw TokenizerError(file: Self.file, error)
      case .content(let error): throw error
      }
    }
    scanner = JSONScanner([])
  }

  /// The id of an added token by its text, as special tokens are looked up.
  func addedTokenID(_ text: String) -> Int? {
    addedTokens.first { $0.text.utf8.elementsEqual(text.utf8) }?.id
  }

  /// The two tokens of a merge and the token that they become.
  static func parts(of merge: ArraySlice<UInt8>) -> (
    left: ArraySlice<UInt8>, right: ArraySlice<UInt8>, product: ArraySlice<UInt8>
  ) {
    let space = merge.firstIndex(of: UInt8(ascii: " ")) ?? merge.endIndex
    let (left, right) = (merge[..<space], merge[space...].dropFirst())
    return (left, right, (left + right)[...])
  }

  /// The error for a merge of which a part, or what it makes, is no token.
  static func missing(_ token: ArraySlice<UInt8>, merge position: Int) -> TokenizerError {
    TokenizerError(
      file: file, field: "model.merges[\(position)]",
      found: "\(String(decoding: token, as: UTF8.self).quotedForError), which is no token",
      expected: "tokens of model.vocab")
  }

  /// A merge whose parts were a pair and held a space, which separates parts in a GGUF file.
  static let visibleSpace = Array("\u{120}".utf8)
}

// MARK: - Reading

extension TokenizerJSON {
  private enum Problem: Error {
    case json(JSONError)
    case content(TokenizerError)
  }

  /// Runs a step of the scanner under this type's error.
  private mutating func scan<Value>(
    _ step: (inout JSONScanner) throws(JSONError) -> Value
  ) throws(Problem) -> Value {
    do { return try step(&scanner) } catch { throw .json(error) }
  }

  private func problem(_ field: String, found: String, expected: String) -> Problem {
    .content(TokenizerError(file: Self.file, field: field, found: found, expected: expected))
  }

  private mutating func readRoot() throws(Problem) {
    try scan { scanner throws(JSONError) in try scanner.beginObject() }
    while let key = try nextKey() {
      switch key {
      case "added_tokens": try readAddedTokens()
      case "model": try readModel()
      case "normalizer": normalizer = try tree()
      case "pre_tokenizer": preTokenizer = try tree()
      case "post_processor": postProcessor = try tree()
      case "decoder": decoder = try tree()
      default: try skip()
      }
    }
    try scan { scanner throws(JSONError) in try scanner.end() }
  }

  private mutating func readModel() throws(Problem) {
    guard try kind() == .object else { return try skip() }
    try scan { scanner throws(JSONError) in try scanner.beginObject() }
    while let key = try nextKey() {
      let kind = try kind()
      switch (key, kind) {
      case ("type", .string): modelType = try string()
      case ("byte_fallback", .bool): byteFallback = try bool()
      case ("ignore_merges", .bool): ignoreMerges = try bool()
      case ("fuse_unk", .bool): fusesUnknown = try bool()
      case ("unk_token", .string): unknownText = try string()
      case ("continuing_subword_prefix", .string), ("end_of_word_suffix", .string):
        if try !string().isEmpty { unusualModelField = key }
      case ("dropout", .number):
        if try tree().real != 0 { unusualModelField = key }
      case ("vocab", .object): try readVocabulary()
      case ("merges", .array): try readMerges()
      case ("merges", _) where kind != .null:
        throw problem("model.merges", found: "a \(kind.rawValue)", expected: "an array")
      default: try skip()
      }
    }
  }

  private mutating func readVocabulary() throws(Problem) {
    try scan { scanner throws(JSONError) in try scanner.beginObject() }
    while let text = try nextKey() {
      let id = try integer()
      guard (0..<TokenTable.maximumSize).contains(id) else {
        throw problem(
          "model.vocab.\(text.quotedForError)", found: "the id \(id)",
          expected: "0 to \(TokenTable.maximumSize - 1)")
      }
      vocabulary.append(text.utf8)
      ids.append(Int32(id))
    }
  }

  private mutating func readMerges() throws(Problem) {
    var result = GGUFStrings()
    try scan { scanner throws(JSONError) in try scanner.beginArray() }
    while try nextElement() {
      switch try kind() {
      case .string: result.append(try mergeText(try string(), at: result.count).utf8)
      case .array: result.append(try mergePair(at: result.count))
      case let kind:
        throw problem(
          "model.merges[\(result.count)]", found: "a \(kind.rawValue)",
          expected: "a string or a pair of strings")
      }
    }
    merges = result
  }

  private func mergeText(_ text: String, at position: Int) throws(Problem) -> String {
    let space = UInt8(ascii: " ")
    guard text.utf8.count(where: { $0 == space }) == 1, text.utf8.first != space,
      text.utf8.last != space
    else {
      throw problem(
        "model.merges[\(position)]", found: text.quotedForError,
        expected: "two tokens with one space between")
    }
    return text
  }

  private mutating func mergePair(at position: Int) throws(Problem) -> [UInt8] {
    var parts: [String] = []
    try scan { scanner throws(JSONError) in try scanner.beginArray() }
    while try nextElement() { parts.append(try string()) }
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
      throw problem(
        "model.merges[\(position)]", found: "\(parts.count) strings",
        expected: "two strings that are not empty")
    }
    return Self.withVisibleSpaces(parts[0]) + [UInt8(ascii: " ")] + Self.withVisibleSpaces(parts[1])
  }

  private static func withVisibleSpaces(_ text: String) -> [UInt8] {
    text.utf8.flatMap { $0 == UInt8(ascii: " ") ? visibleSpace : [$0] }
  }

  private mutating func readAddedTokens() throws(Problem) {
    guard try kind() == .array else { return try skip() }
    try scan { scanner throws(JSONError) in try scanner.beginArray() }
    while try nextElement() {
      let entry = try tree()
      guard let id = entry.object?["id"]?.integer, (0..<TokenTable.maximumSize).contains(id),
        let text = entry.object?["content"]?.string
      else {
        throw problem(
          "added_tokens[\(addedTokens.count)]", found: entry.summary,
          expected: "an object with an id from 0 to \(TokenTable.maximumSize - 1) and a content")
      }
      func flag(_ key: String) -> Bool? { entry.object?[key]?.bool }
      let isSpecial = flag("special") ?? false
      addedTokens.append(
        AddedToken(
          id: id, text: text, isSpecial: isSpecial,
          isNormalized: flag("normalized") ?? !isSpecial, stripsLeft: flag("lstrip") ?? false,
          stripsRight: flag("rstrip") ?? false, isSingleWord: flag("single_word") ?? false))
    }
  }

  private mutating func nextKey() throws(Problem) -> String? {
    try scan { scanner throws(JSONError) in try scanner.nextKey() }
  }

  private mutating func nextElement() throws(Problem) -> Bool {
    try scan { scanner throws(JSONError) in try scanner.nextElement() }
  }

  private mutating func kind() throws(Problem) -> JSONScanner.Kind {
    try scan { scanner throws(JSONError) in try scanner.peek() }
  }

  private mutating func string() throws(Problem) -> String {
    try scan { scanner throws(JSONError) in try scanner.string() }
  }

  private mutating func integer() throws(Problem) -> Int {
    try scan { scanner throws(JSONError) in try scanner.integer() }
  }

  private mutating func bool() throws(Problem) -> Bool {
    try scan { scanner throws(JSONError) in try scanner.bool() }
  }

  private mutating func tree() throws(Problem) -> JSONValue {
    try scan { scanner throws(JSONError) in try scanner.value() }
  }

  private mutating func skip() throws(Problem) {
    try scan { scanner throws(JSONError) in try scanner.skipValue() }
  }
}
