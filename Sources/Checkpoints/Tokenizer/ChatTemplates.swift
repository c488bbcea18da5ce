import QuernContainers

/// The chat templates of a checkpoint: one, or several by name.
struct ChatTemplates {
  static let file = "chat_template.jinja"

  private static let maximumCount = 256

  private var standard: String?
  /// Templates other than the standard one, in the order of the file.
  private var named: [(name: String, text: String)] = []

  /// The user's template, else `chat_template.jinja`, else the one of `tokenizer_config.json`: the
  /// order of transformers, whose newer versions move the template out of the config.
  init(override: String?, files: TokenizerFiles, config: TokenizerConfig) throws(TokenizerError) {
    if let override {
      standard = override
    } else if let bytes = files.chatTemplate {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TokenizerError(
          file: Self.file, field: "the text", found: "bytes that are not UTF-8", expected: "UTF-8")
      }
      standard = text
    } else {
      try read(config["chat_template"])
    }
  }

  private mutating func read(_ value: JSONValue?) throws(TokenizerError) {
    switch value {
    case nil, .null: return
    case .string(let text): standard = text
    case .array(let entries):
      guard entries.count <= Self.maximumCount else {
        throw error(.array(entries), expected: "at most \(Self.maximumCount) templates")
      }
      for entry in entries {
        guard let name = entry.object?["name"]?.string,
          let text = entry.object?["template"]?.string
        else { throw error(entry, expected: "an object with a name and a template") }
        add(Self.keyName(name), text)
      }
    case let value?: throw error(value, expected: "a string or a list of named templates")
    }
  }

  private mutating func add(_ name: String, _ text: String) {
    if name == "default" {
      standard = text
    } else if let position = named.firstIndex(where: { $0.name == name }) {
      named[position].text = text
    } else if !name.isEmpty {
      named.append((name, text))
    }
  }

  /// The name as part of a key: anything but ASCII letters and digits becomes an underscore.
  private static func keyName(_ name: String) -> String {
    var result = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9": result.unicodeScalars.append(scalar)
      default: result += "_"
      }
    }
    return result
  }

  private func error(_ value: JSONValue, expected: String) -> TokenizerError {
    TokenizerError(
      file: TokenizerConfig.file, field: "chat_template", found: value.summary, expected: expected)
  }

  var keyValues: [GGUFKeyValue] {
    var result: [GGUFKeyValue] = []
    for (name, text) in named where !text.isEmpty {
      result.append(GGUFKeyValue("tokenizer.chat_template.\(name)", .text(text)))
    }
    if !named.isEmpty {
      var names = GGUFStrings()
      for (name, _) in named { names.append(name.utf8) }
      result.append(GGUFKeyValue("tokenizer.chat_templates", .array(.strings(names))))
    }
    if let standard, !standard.isEmpty {
      result.append(GGUFKeyValue("tokenizer.chat_template", .text(standard)))
    }
    return result
  }
}
