/// Why rows could not be encoded or decoded.
public enum QuantizationError: Error, Equatable, Sendable {
  /// A row length that the format's blocks do not divide.
  case rowLength(format: NumberFormat, found: Int, multipleOf: Int)
  /// A byte count that is no whole number of blocks.
  case byteCount(format: NumberFormat, found: Int, multipleOf: Int)
  /// A NaN or an infinity at an index of the values.
  case nonFinite(format: NumberFormat, index: Int)
  /// A format that holds no weights.
  case notAWeightFormat(NumberFormat)
}

extension QuantizationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .rowLength(let format, let found, let multiple):
      "\(format.ggmlName): \(found) elements found, expected a multiple of \(multiple)"
    case .byteCount(let format, let found, let multiple):
      "\(format.ggmlName): \(found) bytes found, expected a multiple of \(multiple)"
    case .nonFinite(let format, let index):
      "\(format.ggmlName): element \(index) is not finite"
    case .notAWeightFormat(let format):
      "\(format.ggmlName) holds integers, not weights"
    }
  }
}
