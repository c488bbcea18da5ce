import QuernContainers

/// How a text without added tokens becomes the pieces that merges stay inside of.
///
/// Known forms of `pre_tokenizer`: none; Metaspace; a chain of known patterns that ends in ByteLevel.
struct PieceSplitter: Sendable {
  enum Step: Equatable, Sendable {
    case pattern(SplitPattern)
    /// Every digit a piece of its own.
    case digits
  }

  let steps: [Step]
  /// Pieces are bytes, each a token, rather than characters.
  let isByteLevel: Bool
  /// SentencePiece's visible spaces, where this step makes them.
  let metaspace: Metaspace?

  /// - Throws: naming the chain, when it is none that Quern knows.
  init(_ value: JSONValue, table: PreTokenizerTable) throws(TokenizerError) {
    if let metaspace = try Metaspace(value) {
      (steps, isByteLevel) = ([], false)
      self.metaspace = metaspace
      return
    }
    let chain = PreTokenizerChain(value)
    guard let steps = Self.steps(chain, table) else {
      throw TokenizerError(
        file: TokenizerJSON.file, field: "pre_tokenizer", found: "\(chain)",
        expected: "a chain of split patterns that Quern knows; "
          + TextTokenizer.wayOut)
    }
    self.steps = steps
    isByteLevel = !chain.steps.isEmpty
    metaspace = nil
  }

  /// By the name that a GGUF file has for the chain.
  init(chain: PreTokenizerChain, table: PreTokenizerTable) {
    steps = Self.steps(chain, table) ?? []
    isByteLevel = !chain.steps.isEmpty
    metaspace = nil
  }

  private static func steps(_ chain: PreTokenizerChain, _ table: PreTokenizerTable) -> [Step]? {
    var result: [Step] = []
    for (index, step) in chain.steps.enumerated() {
      let isLast = index == chain.steps.count - 1
      switch step {
      case .split(let scalars):
        guard !isLast, let name = table.patternName(scalars),
          let pattern = SplitPattern(rawValue: name)
        else { return nil }
        result.append(.pattern(pattern))
      case .digits:
        guard !isLast else { return nil }
        result.append(.digits)
      case .bytes(let usesPattern):
        guard isLast else { return nil }
        if usesPattern { result.append(.pattern(.gpt2)) }
      case .other: return nil
      }
    }
    return result
  }

  // MARK: Splitting

  /// Calls `body` with the bytes of each piece, in order. None is empty.
  ///
  /// - Parameter utf8: well-formed UTF-8.
  func forEachPiece(of utf8: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Void) {
    guard !utf8.isEmpty else { return }
    guard !steps.isEmpty else { return body(utf8) }
    let text = ClassifiedText(utf8)
    split(text, 0..<text.count, by: 0) { body(utf8[text.bytes($0, $1)]) }
  }

  /// Splits a range by the step at `index` and each part by the steps after it: matches are pieces,
  /// and so is what lies between two.
  private func split(
    _ text: ClassifiedText, _ range: Range<Int>, by index: Int, _ body: (Int, Int) -> Void
  ) {
    guard index < steps.count else { return body(range.lowerBound, range.upperBound) }
    var position = range.lowerBound
    var gap = position
    while position < range.upperBound {
      guard let end = match(text, from: position, to: range.upperBound, by: steps[index]) else {
        position += 1
        continue
      }
      if gap < position { split(text, gap..<position, by: index + 1, body) }
      split(text, position..<end, by: index + 1, body)
      (position, gap) = (end, end)
    }
    if gap < position { split(text, gap..<position, by: index + 1, body) }
  }

  private func match(_ text: ClassifiedText, from start: Int, to end: Int, by step: Step) -> Int? {
    switch step {
    case .pattern(let pattern): pattern.match(text, from: start, to: end)
    case .digits: text.isAny([.number, .newNumber], at: start) ? start + 1 : nil
    }
  }
}
