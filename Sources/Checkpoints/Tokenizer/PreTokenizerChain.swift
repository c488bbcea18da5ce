import QuernContainers

/// The steps by which a tokenizer splits a text before it looks for tokens, in one spelling.
///
/// Two files may write the same pattern as `\r`, as the character itself or as `\u000d`; steps are
/// compared after unifying that. Patterns are recognised, never executed.
struct PreTokenizerChain: Equatable {
  /// A split by a pattern, each match a piece of its own; `digits`: every digit a piece of its
  /// own; `bytes`: into the byte alphabet; `bytes+regex`: the same after GPT-2's pattern.
  let steps: [Step]

  enum Step: Equatable {
    case split([UInt32])
    case digits
    case bytes(usesPattern: Bool)
    /// Something that no known chain has.
    case other(String)
  }

  init(steps: [Step]) { self.steps = steps }

  /// - Parameter value: the `pre_tokenizer` of a `tokenizer.json`.
  init(_ value: JSONValue) {
    guard let object = value.object else {
      steps = value.isNull ? [] : [.other(value.summary)]
      return
    }
    if object["type"]?.string == "Sequence", let parts = object["pretokenizers"]?.array {
      steps = parts.map { Self.step($0.object) }
    } else {
      steps = [Self.step(object)]
    }
  }

  private static func step(_ object: JSONObject?) -> Step {
    guard let object, let type = object["type"]?.string else {
      return .other("a step without type")
    }
    switch type {
    case "Split":
      guard let pattern = object["pattern"]?.object?["Regex"]?.string,
        object["behavior"]?.string == "Isolated", object["invert"]?.bool ?? false == false
      else { return .other("Split of another form") }
      return .split(unified(pattern))
    case "Digits" where object["individual_digits"]?.bool == true: return .digits
    case "ByteLevel" where object["add_prefix_space"]?.bool == false:
      return .bytes(usesPattern: object["use_regex"]?.bool ?? true)
    case "ByteLevel": return .other("ByteLevel with add_prefix_space")
    default: return .other(type)
    }
  }

  /// The scalars of a pattern, with escapes of line breaks, tabs and characters beyond ASCII
  /// replaced by what they stand for. Other escapes may be syntax and stay.
  static func unified(_ pattern: String) -> [UInt32] {
    let scalars = pattern.unicodeScalars.map(\.value)
    var result: [UInt32] = []
    var position = 0
    while position < scalars.count {
      let (scalar, length) = escape(scalars[position...])
      result.append(scalar)
      // A kept escape brings its character along, so that `\\r` is not read as `\` and `\r`.
      if length == 0 { result.append(contentsOf: scalars[position...].dropFirst().prefix(1)) }
      position += length == 0 ? 2 : length
    }
    return result
  }

  /// The scalar at the start of `text` and how many it is written with; 0 for an escape to keep.
  private static func escape(_ text: ArraySlice<UInt32>) -> (scalar: UInt32, length: Int) {
    let first = text[text.startIndex]
    guard first == 0x5c, text.count > 1 else { return (first, 1) }
    switch UnicodeScalar(text[text.startIndex + 1]) {
    case "r": return (0x0d, 2)
    case "n": return (0x0a, 2)
    case "t": return (0x09, 2)
    case "u":
      guard let value = hexadecimal(text.dropFirst(2).prefix(4)), isLiteral(value) else {
        return (first, 0)
      }
      return (value, 6)
    case "x":
      guard text.dropFirst(2).first == 0x7b, let end = text.prefix(12).firstIndex(of: 0x7d),
        let value = hexadecimal(text[(text.startIndex + 3)..<end]), isLiteral(value)
      else { return (first, 0) }
      return (value, end + 1 - text.startIndex)
    default: return (first, 0)
    }
  }

  private static func isLiteral(_ value: UInt32) -> Bool {
    value > 0x7f || [0x09, 0x0a, 0x0d].contains(value)
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt32>) -> UInt32? {
    guard digits.count >= 2, digits.allSatisfy({ $0 < 0x80 }) else { return nil }
    return UInt32(String(decoding: digits.map(UInt8.init), as: UTF8.self), radix: 16)
  }
}

extension PreTokenizerChain: CustomStringConvertible {
  private static let shownSteps = 8

  var description: String {
    guard !steps.isEmpty else { return "no pre_tokenizer" }
    let shown = steps.prefix(Self.shownSteps).map(\.description).joined(separator: ", ")
    return steps.count > Self.shownSteps ? "\(shown), … (\(steps.count) steps)" : shown
  }
}

extension PreTokenizerChain.Step: CustomStringConvertible {
  var description: String {
    switch self {
    case .split(let scalars):
      let text = scalars.compactMap(UnicodeScalar.init).reduce(into: "") {
        $0.unicodeScalars.append($1)
      }
      return "Split \(text.quotedForError)"
    case .digits: return "Digits"
    case .bytes(let usesPattern): return usesPattern ? "ByteLevel with regex" : "ByteLevel"
    case .other(let text): return String(text.prefix(80)).escapedForDisplay
    }
  }
}
