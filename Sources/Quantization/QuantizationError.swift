/// Why rows could not be encoded or decoded.
public enum QuantizationError: Error, Equatable, Sendable {
  /// A row length that the format's blocks do not divide.
  case rowLength(format: NumberFormat, found: Int, multipleOf: Int)
  /// A byte count that is no whole number of blocks.
  case byteCount(format: NumberFormat, found: Int, multipleOf: Int)
  /// A NaN or an infinity at an index of the values.
  case nonFinite(format: NumberFormat, index: Int)
  /// Values too large for the format: the F16 scale of a block would be infinite.
  case scaleOverflow(format: NumberFormat, block: Int)
  /// Weights that are neither one for each value nor one for each column of whole rows.
  case weightCount(format: NumberFormat, found: Int, values: Int)
  /// A weight, at an index, that is negative, infinite or a NaN.
  case weight(format: NumberFormat, index: Int, found: Float)
  /// Weights for the reference rule, which takes none.
  case weightsForReference(format: NumberFormat)
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
    case .scaleOverflow(let format, let block):
      "\(format.ggmlName): block \(block) has values too large for an F16 scale; use bf16 for it"
    case .weightCount(let format, let found, let values):
      "\(format.ggmlName): \(found) weights found, expected one for each of the \(values) values "
        + "or for each column of their rows"
    case .weight(let format, let index, let found):
      "\(format.ggmlName): weight \(index) is \(found), expected a finite number of at least 0"
    case .weightsForReference(let format):
      "\(format.ggmlName): weights found, expected none: the reference rule does not know them"
    case .notAWeightFormat(let format):
      "\(format.ggmlName) holds integers, not weights"
    }
  }
}
