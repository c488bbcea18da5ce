import QuernContainers

/// What happens to a text before it is split: the `normalizer` of a `tokenizer.json`.
struct TextNormalizer: Equatable, Sendable {
  enum Step: Equatable, Sendable {
    /// Canonical composition (Unicode's NFC).
    case compose
    /// Put before a text that is not empty.
    case prepend([UInt8])
    case replace([UInt8], with: [UInt8])
  }

  let steps: [Step]

  /// Bytes that a step may put for one: the visible space has three. Bounds what a text grows to.
  static let maximumInsertion = 16

  init(steps: [Step]) { self.steps = steps }

  init(_ value: JSONValue) throws(TokenizerError) {
    guard !value.isNull else {
      steps = []
      return
    }
    let parts =
      value.object?["type"]?.string == "Sequence"
      ? value.object?["normalizers"]?.array ?? [] : [value]
    var steps: [Step] = []
    for part in parts {
      guard let step = Self.step(part.object) else {
        throw TokenizerError(
          file: TokenizerJSON.file, field: "normalizer",
          found: part.object?["type"]?.string?.quotedForError ?? part.summary,
          expected: "NFC, Prepend, Replace of a string, or a sequence of these; "
            + TextTokenizer.wayOut)
      }
      steps.append(step)
    }
    self.steps = steps
  }

  private static func step(_ object: JSONObject?) -> Step? {
    switch object?["type"]?.string {
    case "NFC": return .compose
    case "Prepend":
      guard let prefix = object?["prepend"]?.string, prefix.utf8.count <= maximumInsertion else {
        return nil
      }
      return .prepend(Array(prefix.utf8))
    case "Replace":
      guard let pattern = object?["pattern"]?.object?["String"]?.string, !pattern.isEmpty,
        let content = object?["content"]?.string, content.utf8.count <= maximumInsertion
      else { return nil }
      return .replace(Array(pattern.utf8), with: Array(content.utf8))
    default: return nil
    }
  }

  /// - Parameter utf8: well-formed UTF-8.
  func apply(_ utf8: ArraySlice<UInt8>) throws(TokenizerError) -> ArraySlice<UInt8> {
    var text = utf8
    for step in steps where !text.isEmpty {
      switch step {
      case .compose: text = try CanonicalComposition.composed(text)
      case .prepend(let prefix): text = (prefix + text)[...]
      case .replace(let old, let new): text = Self.replacing(old, with: new, in: text)
      }
    }
    return text
  }

  private static func replacing(
    _ old: [UInt8], with new: [UInt8], in text: ArraySlice<UInt8>
  ) -> ArraySlice<UInt8> {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      if text[index] == old[0], text[index...].starts(with: old) {
        result.append(contentsOf: new)
        index += old.count
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return result[...]
  }
}
