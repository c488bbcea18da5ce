/// Why values could not be encoded as groups of integers.
public enum IntegerGroupError: Error, Equatable, Sendable {
  /// A count of elements that is no whole number of groups.
  case elementCount(found: Int, multipleOf: Int)
  /// A NaN or an infinity at an index of the values.
  case nonFinite(index: Int)
  /// Not one weight for each value.
  case weightCount(found: Int, expected: Int)
  /// A weight that is negative, infinite or NaN.
  case badWeight(index: Int)
  /// A group whose scale is beyond the type it is stored in.
  case scaleOverflow(type: IntegerGroupLayout.ScaleType, group: Int)
}

extension IntegerGroupError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .elementCount(let found, let multiple):
      "integer groups: \(found) elements found, expected a multiple of \(multiple)"
    case .nonFinite(let index):
      "integer groups: element \(index) is not finite"
    case .weightCount(let found, let expected):
      "integer groups: \(found) weights found, expected \(expected)"
    case .badWeight(let index):
      "integer groups: weight \(index) is not a finite number of at least 0"
    case .scaleOverflow(let type, let group):
      "integer groups: the scale of group \(group) is beyond \(type.rawValue)"
    }
  }
}
