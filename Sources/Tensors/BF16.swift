/// bfloat16: the upper half of a float32.
public enum BF16 {
  /// The value of a bit pattern; exact, NaN payloads included.
  public static func decode(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The nearest bfloat16, to even on ties. A NaN stays a NaN of the same sign, made quiet.
  public static func encode(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x0040 }
    // At most 0x7f80_0000 (or its negative) before the addition: it cannot overflow.
    return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
  }

  /// Decodes little-endian elements; `bytes` holds two for every value.
  package static func decodeRow(
    _ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == 2 * values.count)
    for index in values.indices { values[index] = decode(bytes.littleEndianUInt16(at: 2 * index)) }
  }
}
