import QuernContainers

/// Finds the ids of special tokens and whether a reader should add them.
///
/// Rules and key order are llama.cpp's (gguf-py/gguf/vocab.py): ids first from
/// `tokenizer_config.json`, looked up by text among the added tokens, then from `config.json`.
struct SpecialTokens {
  /// In the order in which they are looked for and written.
  static let names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]

  /// Keys of the ids that a GGUF file has; `cls` has none.
  private static let keys = [
    "bos": "bos_token_id", "eos": "eos_token_id", "unk": "unknown_token_id",
    "sep": "seperator_token_id", "pad": "padding_token_id", "mask": "mask_token_id",
    "eot": "eot_token_id", "eom": "eom_token_id",
  ]

  private var ids: [(name: String, id: Int)] = []
  private var rule: AddingRule
  private let vocabularySize: Int
  private(set) var warnings: [String] = []

  init(
    tokenizer: TokenizerJSON?, config: TokenizerConfig, modelConfig: JSONObject,
    vocabularySize: Int
  ) {
    self.vocabularySize = vocabularySize
    rule = AddingRule(tokenizer: tokenizer, config: config)
    if config.isPresent {
      for name in rule.names {
        rule.fill(name, from: config["add_\(name)_token"]?.bool)
        guard let text = rule.tokenText(name), let id = tokenizer?.addedTokenID(text) else {
          continue
        }
        set(name, id, file: TokenizerJSON.file)
      }
    }
    let textConfig = modelConfig["text_config"]?.object
    for name in rule.names {
      let key = "\(name)_token_id"
      let value = modelConfig[key].flatMap { $0.isNull ? nil : $0 } ?? textConfig?[key]
      if let id = value?.integer { set(name, id, file: "config.json") }
    }
  }

  /// The flag that a reader prepends the first token.
  var addsBeginning: Bool { rule.flags.first { $0.name == "bos" }?.value ?? false }

  /// The id of a special token by its short name ("bos", "eos"), nil if the folder names none.
  func id(_ name: String) -> Int? { ids.first { $0.name == name }?.id }

  mutating func setFlag(_ name: String, _ value: Bool) { rule.set(name, value) }

  mutating func set(_ name: String, _ id: Int, file: String) {
    guard !ids.contains(where: { $0.name == name }) else { return }
    guard (0..<vocabularySize).contains(id) else {
      warnings.append(
        "\(file): \(name)_token has id \(id), outside 0..<\(vocabularySize); left out")
      return
    }
    ids.append((name, id))
  }

  var keyValues: [GGUFKeyValue] {
    var result: [GGUFKeyValue] = []
    for (name, id) in ids {
      guard let key = Self.keys[name] else { continue }
      result.append(GGUFKeyValue("tokenizer.ggml.\(key)", .uint32(UInt32(id))))
    }
    for (name, value) in rule.flags where ["bos", "eos", "sep"].contains(name) {
      result.append(GGUFKeyValue("tokenizer.ggml.add_\(name)_token", .bool(value)))
    }
    return result
  }
}
