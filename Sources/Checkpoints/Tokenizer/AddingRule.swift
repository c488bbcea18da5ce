import QuernContainers

/// Which special tokens the tokenizer puts around a text, from the post-processor of
/// `tokenizer.json`, with `tokenizer_config.json` for what is still open.
struct AddingRule {
  /// In the order in which they were found, which is the order of the file.
  private(set) var flags: [(name: String, value: Bool)] = []
  /// Names of special tokens: a template that ends a text with another token than `eos` demotes
  /// that one to `eot`.
  private(set) var names = SpecialTokens.names
  /// Texts of special tokens, as the config has them and the template mends them.
  private var texts: [String: String] = [:]
  private let hasConfig: Bool

  init(tokenizer: TokenizerJSON?, config: TokenizerConfig) {
    hasConfig = config.isPresent
    for name in SpecialTokens.names { texts[name] = config.tokenText("\(name)_token") }
    guard let tokenizer else { return }
    if hasConfig {
      texts["bos"] = texts["bos"] ?? texts["cls"]
      texts["eos"] = texts["eos"] ?? texts["sep"]
    }
    guard let processor = tokenizer.postProcessor.object else { return }
    for step in processor["processors"]?.array ?? [tokenizer.postProcessor] {
      guard let step = step.object else { continue }
      switch step["type"]?.string {
      case "ByteLevel": for name in ["bos", "eos"] { fill(name, from: false) }
      case "RobertaProcessing": applyRoberta(step)
      case "TemplateProcessing": apply(Template(step))
      default: continue
      }
    }
  }

  func tokenText(_ name: String) -> String? { texts[name] }

  /// Sets a flag that nothing has set yet.
  mutating func fill(_ name: String, from value: Bool?) {
    guard let value, !flags.contains(where: { $0.name == name }) else { return }
    flags.append((name, value))
  }

  mutating func set(_ name: String, _ value: Bool) {
    if let position = flags.firstIndex(where: { $0.name == name }) {
      flags[position].value = value
    } else {
      flags.append((name, value))
    }
  }

  private mutating func applyRoberta(_ step: JSONObject) {
    for name in ["bos", "eos", "sep"] { set(name, true) }
    guard hasConfig else { return }
    for name in ["cls", "sep"] where texts[name] == nil {
      texts[name] = step[name]?.array?.first?.string
    }
  }
}

// MARK: - Templates

extension AddingRule {
  /// A `TemplateProcessing` step: special tokens by text, sequences as "A" and "B".
  private struct Template {
    enum Entry: Equatable {
      case token(String)
      case sequence(String)
      case other

      var token: String? { if case .token(let text) = self { text } else { nil } }
    }

    let single: [Entry]
    let pair: [Entry]

    init(_ step: JSONObject) {
      single = Self.entries(step["single"])
      pair = Self.entries(step["pair"])
    }

    private static func entries(_ value: JSONValue?) -> [Entry] {
      (value?.array ?? []).map { entry in
        if let id = entry.object?["SpecialToken"]?.object?["id"]?.string { return .token(id) }
        if let id = entry.object?["Sequence"]?.object?["id"]?.string { return .sequence(id) }
        return .other
      }
    }
  }

  private mutating func apply(_ template: Template) {
    let isLong = template.single.count > 1
    let first = isLong ? template.single.first?.token : nil
    let last = isLong ? template.single.last?.token : nil
    if let first { applyFirst(first) }
    if let last { applyLast(last) }
    applyPair(template.pair, first: first, last: last)
  }

  private mutating func applyFirst(_ token: String) {
    if !hasConfig {
      texts["bos"] = token
    } else if token != texts["bos"], token != texts["cls"] {
      for name in ["bos", "cls"] where texts[name] == nil { texts[name] = token }
    }
    set("bos", token == texts["bos"] || token == texts["cls"])
  }

  private mutating func applyLast(_ token: String) {
    if hasConfig, token != texts["eos"] {
      if let name = ["eot", "eom"].first(where: { !names.contains($0) }) {
        names.append(name)
        texts[name] = texts["eos"]
      }
    }
    texts["eos"] = token
    set("eos", true)
  }

  /// A pair A [separator] [end] B tells whether a separator is added.
  private mutating func applyPair(_ pair: [Template.Entry], first: String?, last: String?) {
    var pair = pair[...]
    if let first, pair.first?.token == first { pair.removeFirst() }
    if let last, pair.last?.token == last { pair.removeLast() }
    guard pair.first == .sequence("A"), pair.last == .sequence("B"), pair.count > 2 else { return }
    let middle = pair.dropFirst().dropLast()
    let separators = [texts["sep"], texts["eos"]].compactMap { $0 }
    var adds = false
    if let token = middle.first?.token, separators.contains(token), last == nil { adds = true }
    if middle.count == 2, let token = middle.last?.token, separators.contains(token) { adds = true }
    set("sep", adds)
    if adds, texts["sep"] == nil, hasConfig { texts["sep"] = texts["eos"] }
  }
}
