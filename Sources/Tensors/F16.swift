/// IEEE 754 binary16, by its fields: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits.
///
/// Swift's `Float16` is not available on every platform Quern runs on.
public enum F16 {
  /// The value of a bit pattern; exact. A NaN keeps its sign and payload and becomes quiet.
  public static func decode(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: sign | magnitude.bitPattern)
    case 31:
      let quiet: UInt32 = fraction == 0 ? 0 : 0x0040_0000
      return Float(bitPattern: sign | 0x7F80_0000 | quiet | fraction << 13)
    default:
      return Float(bitPattern: sign | (exponent + 127 - 15) << 23 | fraction << 13)
    }
  }

  /// The nearest binary16, to even on ties: subnormals are kept, 65520 and more become infinity.
  public static func encode(_ value: Float) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let magnitude = value.magnitude
    if magnitude.isNaN { return sign | 0x7E00 | UInt16(magnitude.bitPattern >> 13 & 0x3FF) }
    if magnitude >= 65520 { return sign | 0x7C00 }
    // Steps are 2^-24 wide below 2^-13, and 2^(exponent − 10) above.
    let exponent = magnitude < 0x1p-14 ? -14 : Int(magnitude.exponent)
    let step = Float(sign: .plus, exponent: exponent - 10, significand: 1)
    let steps = UInt16((magnitude / step).rounded(.toNearestOrEven))
    // `steps` counts the implicit bit: adding it to the exponent field lets it carry by itself.
    return sign | (UInt16(exponent + 14) << 10 + steps)
  }

  /// Decodes little-endian elements; `bytes` holds two for every value.
  package static func decodeRow(
    _ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == 2 * values.count)
    for index in values.indices { values[index] = decode(bytes.littleEndianUInt16(at: 2 * index)) }
  }
}
