import QuernTensors

/// A floating-point type of 16 bits, in which kernels take and give activations.
package enum HalfType: String, CaseIterable, Sendable {
  case f16, bf16

  /// The nearest number of the type, to even on ties.
  package func rounded(_ value: Float) -> Float {
    switch self {
    case .f16: Self.roundedToF16(value)
    case .bf16: BF16.decode(BF16.encode(value))
    }
  }

  /// As `F16.encode` and `F16.decode` together, in a few operations: kernels round every partial sum.
  private static func roundedToF16(_ value: Float) -> Float {
    let magnitude = value.magnitude
    if magnitude < 0x1p-14 {
      // The last bit of a float32 in [0.5, 1) is worth 2^-24, the step of the F16 subnormals.
      let rounded = (magnitude + 0.5) - 0.5
      return value.sign == .minus ? -rounded : rounded
    }
    guard magnitude < 65520 else { return F16.decode(F16.encode(value)) }
    let bits = value.bitPattern
    return Float(bitPattern: (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFF)
  }

  /// The value of a bit pattern.
  package func decoded(_ bits: UInt16) -> Float {
    switch self {
    case .f16: F16.decode(bits)
    case .bf16: BF16.decode(bits)
    }
  }
}
