/// The front matter of a model card (`README.md`): the few top-level keys that a GGUF file repeats.
///
/// Reads one key per line with a plain or quoted scalar, a list in brackets or a list of dashes.
/// Anything else that YAML allows (nested maps, block texts, anchors, escapes) is skipped, not
/// guessed: a key that is not understood is as if it were absent.
struct ModelCard {
  private static let maximumLines = 10_000

  private var values: [String: [String]] = [:]
  private var key: String?

  /// - Parameter text: the whole README, nil if the folder has none.
  init(_ text: String?) {
    let lines = (text ?? "").split(
      maxSplits: Self.maximumLines, omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else { return }
    for line in lines[1..<end] { read(line) }
  }

  /// The value of the first of `keys` that is there; a list joined with commas.
  func text(_ keys: String...) -> String? {
    for key in keys {
      if let value = values[key], !value.isEmpty { return value.joined(separator: ",") }
    }
    return nil
  }

  /// The values of all `keys`, in their order.
  func list(_ keys: String...) -> [String] { keys.flatMap { values[$0] ?? [] } }

  private mutating func read(_ line: Substring) {
    let indent = line.prefix { $0 == " " || $0 == "\t" }
    let content = line.dropFirst(indent.count)
    guard let first = content.first, first != "#" else { return }
    if content.hasPrefix("- ") {
      guard let key else { return }
      if let item = Self.scalar(content.dropFirst(2)) {
        values[key, default: []].append(item)
      } else {
        skip(key)
      }
    } else if indent.isEmpty {
      readKey(content)
    } else if let key {
      // A nested map or the second line of a text.
      skip(key)
    }
  }

  private mutating func skip(_ key: String) {
    values[key] = nil
    self.key = nil
  }

  private mutating func readKey(_ content: Substring) {
    key = nil
    guard let colon = content.firstIndex(of: ":") else { return }
    let name = String(content[..<colon])
    let value = content[content.index(after: colon)...]
    guard value.isEmpty || value.first?.isWhitespace == true else { return }
    let text = value.trimmed
    if text.isEmpty {
      key = name
    } else if text.hasPrefix("["), text.hasSuffix("]") {
      let items = text.dropFirst().dropLast().split(separator: ",")
      let scalars = items.compactMap(Self.scalar)
      if scalars.count == items.count { values[name] = scalars }
    } else if let scalar = Self.scalar(text) {
      values[name] = [scalar]
      key = name
    }
  }

  /// A plain or quoted scalar; nil for what would need a YAML reader.
  private static func scalar(_ text: Substring) -> String? {
    let text = text.trimmed
    guard let first = text.first else { return nil }
    if first == "\"" || first == "'" {
      let inner = text.dropFirst().dropLast()
      guard text.count > 1, text.last == first, !inner.contains(first), !inner.contains("\\") else {
        return nil
      }
      return String(inner)
    }
    guard !"[]{}&*!|>%@`".contains(first), !text.contains(": "), text != "~", text != "null" else {
      return nil
    }
    return String((text.split(separator: " #").first ?? text).trimmed)
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
