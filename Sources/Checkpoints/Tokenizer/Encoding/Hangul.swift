/// Korean syllables and the letters that they are made of (Unicode, section 3.12).
enum Hangul {
  private static let syllables: UInt32 = 0xac00
  private static let leads: UInt32 = 0x1100
  private static let vowels: UInt32 = 0x1161
  /// One before the first trailing consonant: none is a choice too.
  private static let trails: UInt32 = 0x11a7
  private static let leadCount: UInt32 = 19
  private static let vowelCount: UInt32 = 21
  private static let trailCount: UInt32 = 28
  private static let syllableCount = leadCount * vowelCount * trailCount

  /// The number of a syllable, nil for other scalars.
  static func index(_ scalar: UInt32) -> UInt32? {
    (syllables..<(syllables + syllableCount)).contains(scalar) ? scalar - syllables : nil
  }

  /// The two or three letters of a syllable.
  static func parts(_ index: UInt32) -> [UInt32] {
    let lead = leads + index / (vowelCount * trailCount)
    let vowel = vowels + index % (vowelCount * trailCount) / trailCount
    let trail = index % trailCount
    return trail == 0 ? [lead, vowel] : [lead, vowel, trails + trail]
  }

  /// A lead and a vowel, or a syllable without a trail and a trail, as one syllable.
  static func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (leads..<(leads + leadCount)).contains(first),
      (vowels..<(vowels + vowelCount)).contains(second)
    {
      return syllables + ((first - leads) * vowelCount + second - vowels) * trailCount
    }
    if let index = index(first), index % trailCount == 0,
      ((trails + 1)..<(trails + trailCount)).contains(second)
    {
      return first + second - trails
    }
    return nil
  }
}
