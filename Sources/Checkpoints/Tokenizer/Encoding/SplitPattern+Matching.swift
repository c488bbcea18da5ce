extension SplitPattern {
  /// The end of the match that begins at `start`, nil if none does.
  ///
  /// What a pattern looks at beyond `end` is the end of the text to it: every step of a chain sees the
  /// pieces of the step before it, one at a time.
  func match(_ text: ClassifiedText, from start: Int, to end: Int) -> Int? {
    switch self {
    case .llama3: Self.word(text, start, end, letters: .letter, digits: 3)
    case .qwen2: Self.word(text, start, end, letters: .letter, digits: 1)
    case .qwen35: Self.word(text, start, end, letters: [.letter, .mark], digits: 1)
    case .deepSeekDigits:
      Self.run(text.endOfRun(of: .number, from: start, to: min(end, start + 3)), start)
    case .deepSeekIdeographs: Self.ranges(text, start, end, [0x4e00...0x9fa5, 0x3040...0x30ff])
    case .deepSeekWords: Self.deepSeekWord(text, start, end)
    case .coderLineBreak: text.isAny(.lineBreak, at: start) ? start + 1 : nil
    case .coderLetters: Self.spaced(text, start, end, .letter)
    case .coderPunctuation: Self.spaced(text, start, end, .punctuation)
    case .coderIdeographs: Self.ranges(text, start, end, [0x0800...0x9fa5, 0xac00...0xd7ff])
    case .gpt2: Self.gpt2Word(text, start, end)
    }
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?L+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*`
  /// and white space, where L is `letters`. The last class excludes L too.
  private static func word(
    _ text: ClassifiedText, _ start: Int, _ end: Int, letters: ScalarClasses, digits: Int
  ) -> Int? {
    if let end = contraction(text, start, end, ignoringCase: true) { return end }
    if let end = prefixedWord(text, start, end, letters, not: [.letter, .number, .lineBreak]) {
      return end
    }
    if text.isAny(.number, at: start) {
      return text.endOfRun(of: .number, from: start, to: min(end, start + digits))
    }
    let first = start + (isSpace(text, start) ? 1 : 0)
    let other = text.endOfRun(outside: letters.union([.space, .number]), from: first, to: end)
    if other > first { return text.endOfRun(of: .lineBreak, from: other, to: end) }
    return lines(text, start, end) ?? spaces(text, start, end)
  }

  /// `[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*` and
  /// white space.
  private static func deepSeekWord(_ text: ClassifiedText, _ start: Int, _ end: Int) -> Int? {
    if isASCIIPunctuation(text.scalars[start]) {
      var position = start + 1
      while position < end, isASCIILetter(text.scalars[position]) { position += 1 }
      if position > start + 1 { return position }
    }
    let excluded: ScalarClasses = [.letter, .punctuation, .symbol, .lineBreak]
    if let end = prefixedWord(text, start, end, [.letter, .mark], not: excluded) { return end }
    let first = start + (isSpace(text, start) ? 1 : 0)
    let signs = text.endOfRun(of: [.punctuation, .symbol], from: first, to: end)
    if signs > first { return text.endOfRun(of: .lineBreak, from: signs, to: end) }
    return lines(text, start, end) ?? spaces(text, start, end)
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  private static func gpt2Word(_ text: ClassifiedText, _ start: Int, _ end: Int) -> Int? {
    if let end = contraction(text, start, end, ignoringCase: false) { return end }
    let first = start + (isSpace(text, start) ? 1 : 0)
    for set in [ScalarClasses.letter, .number] {
      let position = text.endOfRun(of: set, from: first, to: end)
      if position > first { return position }
    }
    let other = text.endOfRun(outside: [.space, .letter, .number], from: first, to: end)
    return other > first ? other : spaces(text, start, end)
  }

  // MARK: Parts

  /// `[^…]?L+`. A first character that is of L itself needs no other before it: taking it as the
  /// optional one and giving it back lead to the same run.
  private static func prefixedWord(
    _ text: ClassifiedText, _ start: Int, _ end: Int, _ letters: ScalarClasses,
    not excluded: ScalarClasses
  ) -> Int? {
    if text.isAny(letters, at: start) { return text.endOfRun(of: letters, from: start, to: end) }
    guard !text.isAny(excluded, at: start) else { return nil }
    return run(text.endOfRun(of: letters, from: start + 1, to: end), start + 1)
  }

  /// `\s?` and a run of one class.
  private static func spaced(
    _ text: ClassifiedText, _ start: Int, _ end: Int, _ set: ScalarClasses
  ) -> Int? {
    let first = start + (text.isAny(.space, at: start) ? 1 : 0)
    return run(text.endOfRun(of: set, from: first, to: end), first)
  }

  /// `\s*[\r\n]+`: to the last line break of the run of white space.
  private static func lines(_ text: ClassifiedText, _ start: Int, _ end: Int) -> Int? {
    var position = text.endOfRun(of: .space, from: start, to: end)
    while position > start, !text.isAny(.lineBreak, at: position - 1) { position -= 1 }
    return run(position, start)
  }

  /// `\s+(?!\S)|\s+`: a run of white space without its last character, which belongs to what
  /// follows, unless nothing follows or it is the only one.
  private static func spaces(_ text: ClassifiedText, _ start: Int, _ end: Int) -> Int? {
    let position = text.endOfRun(of: .space, from: start, to: end)
    return run(position == end || position <= start + 1 ? position : position - 1, start)
  }

  /// The English contractions. A long s is an s where case is ignored.
  private static func contraction(
    _ text: ClassifiedText, _ start: Int, _ end: Int, ignoringCase: Bool
  ) -> Int? {
    guard text.scalars[start] == 0x27, start + 1 < end else { return nil }
    func letter(_ position: Int) -> Unicode.Scalar? {
      guard position < end else { return nil }
      let value = text.scalars[position]
      guard ignoringCase else { return Unicode.Scalar(value) }
      return value == 0x17f ? "s" : Unicode.Scalar(isASCIILetter(value) ? value | 0x20 : value)
    }
    switch (letter(start + 1), letter(start + 2)) {
    case ("s", _), ("t", _), ("m", _), ("d", _): return start + 2
    case ("r", "e"), ("v", "e"), ("l", "l"): return start + 3
    default: return nil
    }
  }

  private static func ranges(
    _ text: ClassifiedText, _ start: Int, _ end: Int, _ ranges: [ClosedRange<UInt32>]
  ) -> Int? {
    var position = start
    while position < end, ranges.contains(where: { $0.contains(text.scalars[position]) }) {
      position += 1
    }
    return run(position, start)
  }

  private static func run(_ end: Int, _ start: Int) -> Int? { end > start ? end : nil }

  private static func isSpace(_ text: ClassifiedText, _ position: Int) -> Bool {
    text.scalars[position] == 0x20
  }

  private static func isASCIILetter(_ scalar: UInt32) -> Bool {
    (0x61...0x7a).contains(scalar | 0x20)
  }

  private static func isASCIIPunctuation(_ scalar: UInt32) -> Bool {
    (0x21...0x7e).contains(scalar) && !isASCIILetter(scalar) && !(0x30...0x39).contains(scalar)
  }
}
