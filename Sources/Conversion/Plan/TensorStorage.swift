import QuernQuantization

/// How the values of an output tensor are stored.
public enum TensorStorage: Hashable, Sendable {
  /// Numbers or blocks, in one stored tensor.
  case numbers(NumberFormat)
  /// Codes and scales, each in a stored tensor of its own.
  case integers(IntegerFormat)

  /// What recipes, plans and certificates call it.
  public var word: String {
    switch self {
    case .numbers(let format): format.rawValue
    case .integers(let format): format.word
    }
  }

  /// Nil for integers.
  package var numberFormat: NumberFormat? {
    if case .numbers(let format) = self { format } else { nil }
  }

  /// Nil for numbers.
  package var integerFormat: IntegerFormat? {
    if case .integers(let format) = self { format } else { nil }
  }

  /// Elements that share a scale in rows of this length; 1 where there are no scales.
  package func groupElements(rowLength: Int) -> Int {
    switch self {
    case .numbers(let format): format.blockElements
    case .integers(let format): format.storage.groupElements(rowLength: rowLength)
    }
  }
}
