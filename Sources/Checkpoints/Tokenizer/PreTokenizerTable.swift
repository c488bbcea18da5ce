import QuernContainers
import QuernFormats

/// The names under which readers know split patterns (`tokenizer.ggml.pre`), from
/// `formats/pre-tokenizers.json`.
struct PreTokenizerTable {
  /// A chain of split patterns and what else belongs to its name.
  struct Entry {
    let name: String
    let chain: PreTokenizerChain
    /// Nil where the name stands for both.
    let ignoreMerges: Bool?
    let beginsWithBOS: Bool?
    let normalizers: [String]
  }

  private var entries: [Entry] = []
  /// The name of each pattern, by its scalars in one spelling.
  private var patternNames: [[UInt32]: String] = [:]
  /// Every name that a reader accepts.
  private(set) var readerNames: [String] = []

  /// The embedded table.
  init() throws(TokenizerError) {
    try self.init(parsing: Formats.preTokenizers)
  }

  init(parsing bytes: [UInt8]) throws(TokenizerError) {
    let root = try JSONObject(parsing: bytes, file: Self.file)
    let patterns = root["patterns"]?.object ?? JSONObject()
    for (name, value) in patterns.members {
      if let pattern = value.string { patternNames[PreTokenizerChain.unified(pattern)] = name }
    }
    readerNames = root["readerNames"]?.array?.compactMap(\.string) ?? []
    for value in root["chains"]?.array ?? [] {
      guard let entry = Self.entry(value, patterns) else {
        throw TokenizerError(
          file: Self.file, field: "chains[\(entries.count)]", found: value.summary,
          expected: "a name, known steps and normalizers")
      }
      entries.append(entry)
    }
  }

  private static let file = "pre-tokenizers.json"

  private static func entry(_ value: JSONValue, _ patterns: JSONObject) -> Entry? {
    guard let object = value.object, let name = object["name"]?.string,
      let steps = object["steps"]?.array, let normalizers = object["normalizers"]?.array
    else { return nil }
    let known = steps.compactMap { step -> PreTokenizerChain.Step? in
      switch step.string {
      case nil: nil
      case "digits": .digits
      case "bytes": .bytes(usesPattern: false)
      case "bytes+regex": .bytes(usesPattern: true)
      case let name?: (patterns[name]?.string).map { .split(PreTokenizerChain.unified($0)) }
      }
    }
    guard known.count == steps.count else { return nil }
    return Entry(
      name: name, chain: PreTokenizerChain(steps: known),
      ignoreMerges: object["ignoreMerges"]?.bool, beginsWithBOS: object["beginsWithBOS"]?.bool,
      normalizers: normalizers.compactMap(\.string))
  }

  /// The name for a tokenizer, by its chain and by what patterns alone do not fix.
  ///
  /// - Parameter beginsWithBOS: the tokenizer puts the first token before a text.
  /// - Throws: naming the chain, when no name stands for it: a wrong name gives a model that loads
  ///   and tokenizes badly.
  func name(for tokenizer: TokenizerJSON, beginsWithBOS: Bool) throws(TokenizerError) -> String {
    let chain = PreTokenizerChain(tokenizer.preTokenizer)
    let normalizer = Self.normalizer(tokenizer.normalizer)
    let match = entries.first { entry in
      entry.chain == chain && entry.normalizers.contains(normalizer)
        && entry.ignoreMerges ?? tokenizer.ignoreMerges == tokenizer.ignoreMerges
        && entry.beginsWithBOS ?? beginsWithBOS == beginsWithBOS
    }
    if let match { return match.name }
    throw TokenizerError(
      file: TokenizerJSON.file, field: "pre_tokenizer",
      found: "\(chain); ignore_merges \(tokenizer.ignoreMerges); normalizer \(normalizer)",
      expected: "a known chain (\(knownNames)), or a name given with --pre-tokenizer")
  }

  /// The name of a split pattern, nil for one that is not in the table.
  func patternName(_ scalars: [UInt32]) -> String? { patternNames[scalars] }

  /// What a reader's name stands for, nil for names that the table has no chain of.
  func entry(named name: String) -> Entry? { entries.first { $0.name == name } }

  private var knownNames: String { entries.map(\.name).joined(separator: ", ") }

  /// Checks a name that the user gives.
  func checked(_ name: String) throws(TokenizerError) -> String {
    guard readerNames.contains(name) else {
      throw TokenizerError(
        file: "--pre-tokenizer", field: "the name", found: name.quotedForError,
        expected: "one that llama.cpp knows: \(readerNames.joined(separator: ", "))")
    }
    return name
  }

  /// "none", "NFC", or the types of the steps.
  private static func normalizer(_ value: JSONValue) -> String {
    guard let object = value.object else { return value.isNull ? "none" : "unknown" }
    guard object["type"]?.string == "Sequence" else { return typeName(value) }
    let steps = object["normalizers"]?.array ?? []
    return steps.isEmpty ? "none" : steps.prefix(4).map(typeName).joined(separator: "+")
  }

  private static func typeName(_ value: JSONValue) -> String {
    String((value.object?["type"]?.string ?? "unknown").prefix(80)).escapedForDisplay
  }
}
