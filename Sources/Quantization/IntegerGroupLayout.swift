import CKernels

/// How weights are stored as groups of integers: an element is (code − zero point) · scale.
///
/// The building block of formats that keep codes, scales and zero points in tensors of their own.
public struct IntegerGroupLayout: Equatable, Sendable {
  /// How scales are stored; values of `IntegerGroups` are numbers of this type.
  public enum ScaleType: String, CaseIterable, Sendable {
    case f32, f16, bf16
  }

  /// Bits of a code.
  public enum CodeBits: Int, CaseIterable, Sendable {
    case four = 4
    case eight = 8
  }

  public var bits: CodeBits
  /// Elements of one scale: 32, 64, 128, or the length of a row.
  public var groupElements: Int
  public var scaleType: ScaleType
  /// Whether each group has a zero point, a code that stands for 0; without, code 0 does.
  public var hasZeroPoints: Bool
  /// Whether scales may be negative, which lets −8 serve the largest element of either sign.
  public var allowsNegativeScales: Bool

  public init(
    bits: CodeBits, groupElements: Int, scaleType: ScaleType, hasZeroPoints: Bool = false,
    allowsNegativeScales: Bool = false
  ) {
    self.bits = bits
    self.groupElements = groupElements
    self.scaleType = scaleType
    self.hasZeroPoints = hasZeroPoints
    self.allowsNegativeScales = allowsNegativeScales
  }

  /// −8 … 7; −128 … 127 with zero points and −127 … 127 without, so that a negated code is a code.
  public var codes: ClosedRange<Int8> {
    switch bits {
    case .four: -8...7
    case .eight: hasZeroPoints ? -128...127 : -127...127
    }
  }

  var kernelLayout: quern_integer_layout {
    let scale =
      switch scaleType {
      case .f32: QUERN_SCALE_F32
      case .f16: QUERN_SCALE_F16
      case .bf16: QUERN_SCALE_BF16
      }
    return quern_integer_layout(
      group: groupElements, least: Int32(codes.lowerBound), most: Int32(codes.upperBound),
      zero_points: hasZeroPoints, negative_scales: allowsNegativeScales, scale: scale)
  }
}
