/// What a plan expects of a tensor's values, and what a certificate proved.
public enum Exactness: Hashable, Sendable {
  /// Every decoded value is numerically equal to the source's.
  case exact
  /// Exact, if the condition holds for the data.
  case exactIf(String)
  /// No error is larger than a bound that follows from the scales.
  case bounded
  /// The error is what was measured.
  case measured

  public var word: String {
    switch self {
    case .exact: "exact"
    case .exactIf: "exact-if"
    case .bounded: "bounded"
    case .measured: "measured"
    }
  }
}
