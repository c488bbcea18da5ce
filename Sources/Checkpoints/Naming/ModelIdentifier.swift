/// The parts of a model's name, guessed from how such names are made up:
/// `[organization/]basename-size-finetune-version`, separated by hyphens.
///
/// The rules are llama.cpp's (gguf-py/gguf/metadata.py), so that two converters name a model alike.
struct ModelIdentifier: Equatable {
  /// The name without the organization, as written.
  private(set) var fullName: String
  private(set) var organization: String?
  private(set) var basename: String?
  private(set) var finetune: String?
  private(set) var version: String?
  private(set) var sizeLabel: String?

  private static let maximumByteCount = 256

  private enum Kind { case basename, sizeLabel, finetune, version, type }

  private struct Part {
    var text: String
    var kinds: Set<Kind> = []
  }

  /// - Parameter parameterCount: of the whole model, 0 if unknown: a size in the name that is far
  ///   from it is a context length.
  init(_ identifier: String, parameterCount: Int) {
    fullName = identifier
    // With spaces or this long it is a sentence, not an identifier.
    guard identifier.utf8.count <= Self.maximumByteCount, !identifier.contains(" ") else { return }
    if let slash = identifier.firstIndex(of: "/") {
      let head = identifier[..<slash]
      organization = head.hasPrefix(".") ? nil : String(head)
      fullName = String(identifier[identifier.index(after: slash)...])
    }
    var parts = fullName.split(separator: "-").map { Part(text: String($0)) }
    for position in parts.indices {
      Self.annotate(&parts[position], isFirst: position == 0, parameterCount: parameterCount)
    }
    Self.dropWordSizes(&parts)
    Self.findBasename(&parts)
    assign(parts)
  }

  private mutating func assign(_ parts: [Part]) {
    func joined(_ belongs: (Set<Kind>) -> Bool) -> String? {
      let texts = parts.filter { belongs($0.kinds) }.map(\.text)
      return texts.isEmpty ? nil : texts.joined(separator: "-")
    }
    finetune = joined { $0.contains(.finetune) }
    version = joined { $0.contains(.version) && !$0.contains(.basename) }
    var sizes: [String] = []
    for part in parts where part.kinds.contains(.sizeLabel) && !sizes.contains(part.text) {
      sizes.append(part.text)
    }
    sizeLabel = sizes.isEmpty ? nil : sizes.joined(separator: "-")
    // A name without any other part is too ambiguous to split.
    guard sizeLabel != nil || finetune != nil || version != nil else { return }
    basename = joined { $0.contains(.basename) }
  }

  // MARK: Kinds of parts

  private static func annotate(_ part: inout Part, isFirst: Bool, parameterCount: Int) {
    let text = part.text
    if text.wholeMatch(of: /(?:v|iter)?\d+(?:[.]\d+)*/.ignoresCase()) != nil {
      part.kinds.insert(.version)
    } else if text.wholeMatch(of: /i?q\d(?:_\w)*|b?fp?(?:16|32)/.ignoresCase()) != nil {
      part.kinds.insert(.type)
      part.text = text.uppercased()
    } else if isFirst {
      return
    } else if isSize(text) {
      annotateSize(&part, parameterCount: parameterCount)
    } else if ["chat", "instruct", "vision", "lora"].contains(text.lowercased()) {
      part.kinds.insert(.finetune)
    }
  }

  private static func isSize(_ text: String) -> Bool {
    let pattern = /(?:A|\d+x)?\d+(?:[._]\d+)?[KMBT]\d?|small|mini|medium|large|x?xl/.ignoresCase()
    return text.wholeMatch(of: pattern) != nil
  }

  /// Sizes get one spelling: `7b1` is `7.1B`, `1_5b` is `1.5B`.
  private static func annotateSize(_ part: inout Part, parameterCount: Int) {
    var text = Array(part.text.map { $0 == "_" ? "." : $0 })
    if text.count > 2, let last = text.last, last.isNumber {
      text = text.dropLast(2) + [".", last, text[text.count - 2]]
    }
    if let suffix = text.last, text.count > 1, text[text.count - 2].isNumber {
      text[text.count - 1] = Character(suffix.uppercased())
    }
    part.kinds.insert(.sizeLabel)
    if let size = sizeInParameters(text), parameterCount > 0,
      (size - Double(parameterCount)).magnitude > (7 * Double(parameterCount) / 8).rounded(.down)
    {
      // So far off that it is a context length, which is written in lower case.
      part.kinds = [.finetune]
      text[text.count - 1] = Character(text[text.count - 1].lowercased())
    }
    part.text = String(text)
  }

  /// The number that a size stands for; nil for words, `8x7B` and `A3B`.
  private static func sizeInParameters(_ text: [Character]) -> Double? {
    guard let suffix = text.last, let number = Double(String(text.dropLast())) else { return nil }
    let scales: [Character: Double] = ["K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12]
    return scales[suffix].map { $0 * number }
  }

  /// Words such as `mini` are no size when the name has a number for one.
  private static func dropWordSizes(_ parts: inout [Part]) {
    let hasNumber = parts.contains {
      $0.kinds.contains(.sizeLabel) && $0.text.contains(where: \.isNumber)
    }
    guard hasNumber else { return }
    for position in parts.indices where parts[position].text.allSatisfy(\.isLetter) {
      parts[position].kinds.remove(.sizeLabel)
    }
  }

  /// The words at the start are the basename, save versions that end it; what is left and has no
  /// kind yet is a finetune.
  private static func findBasename(_ parts: inout [Part]) {
    var atStart = true
    for position in parts.indices {
      let part = parts[position]
      let isWord = part.kinds.isEmpty && part.text.first?.isLetter == true
      if atStart, isWord || part.kinds.contains(.version) {
        parts[position].kinds.insert(.basename)
      } else {
        atStart = false
        if part.kinds.isEmpty { parts[position].kinds.insert(.finetune) }
      }
    }
    for position in parts.indices.reversed() {
      guard parts[position].kinds.contains(.basename), parts[position].kinds.count > 1 else {
        return
      }
      parts[position].kinds.remove(.basename)
    }
  }

  // MARK: Titles

  /// The name as a title: words in lower case get a capital, versions and acronyms stay.
  static func title(_ identifier: String) -> String {
    identifier.split { $0 == "-" || $0.isWhitespace }
      .map { word in
        let isVersion = word.wholeMatch(of: /v\d+(?:\.\d+)*|\d.*/) != nil
        return isVersion || !isLowercase(word) ? String(word) : capitalised(word)
      }
      .joined(separator: " ")
  }

  private static func isLowercase(_ word: Substring) -> Bool {
    let cased = word.unicodeScalars.filter(\.properties.isCased)
    return !cased.isEmpty && cased.allSatisfy(\.properties.isLowercase)
  }

  /// A capital at the start of every run of letters.
  private static func capitalised(_ word: Substring) -> String {
    var result = ""
    var follows = false
    for scalar in word.unicodeScalars {
      result +=
        follows ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      follows = scalar.properties.isCased
    }
    return result
  }
}
