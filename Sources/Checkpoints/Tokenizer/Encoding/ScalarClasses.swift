/// What split patterns ask of a character: the first letters of its general category, white space.
///
/// The pattern engine of the tokenizers library knows Unicode 16; characters of later versions are
/// unassigned to it and so to us, whatever the system's Unicode is.
struct ScalarClasses: OptionSet {
  let rawValue: UInt8

  static let letter = Self(rawValue: 1)  // \p{L}
  static let number = Self(rawValue: 2)  // \p{N}
  static let mark = Self(rawValue: 4)  // \p{M}
  static let punctuation = Self(rawValue: 8)  // \p{P}
  static let symbol = Self(rawValue: 16)  // \p{S}
  static let space = Self(rawValue: 32)  // \s
  static let lineBreak = Self(rawValue: 64)  // [\r\n], which are spaces too
  /// A number of a later version: the step that splits digits is no pattern and knows it.
  static let newNumber = Self(rawValue: 128)

  private static let patternVersion = (major: 16, minor: 0)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ scalar: Unicode.Scalar) {
    let properties = scalar.properties
    var classes = Self(properties.generalCategory)
    if let age = properties.age, age > Self.patternVersion {
      classes = classes == .number ? .newNumber : []
    }
    if properties.isWhitespace { classes.insert(.space) }
    if scalar == "\r" || scalar == "\n" { classes.insert(.lineBreak) }
    self = classes
  }

  private init(_ category: Unicode.GeneralCategory) {
    switch category {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    case .nonspacingMark, .spacingMark, .enclosingMark: self = .mark
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      self = .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: self = .symbol
    default: self = []
    }
  }
}

extension ScalarClasses {
  /// Classes of the first two planes, where all but rare ideographs are.
  private static let table: [UInt8] = (0..<0x20000).map { value in
    Unicode.Scalar(UInt32(value)).map { Self($0).rawValue } ?? 0
  }

  /// The classes of every scalar of a text.
  static func classes(of scalars: [UInt32]) -> [UInt8] {
    let table = Self.table
    return scalars.map { value in
      value < table.count
        ? table[Int(value)] : Unicode.Scalar(value).map { Self($0).rawValue } ?? 0
    }
  }
}
