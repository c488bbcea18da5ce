/// E8M0, the scale of the microscaling formats: 2^(byte − 127), 255 for NaN.
/// (OCP Microscaling Formats specification 1.0.)
public enum E8M0 {
  /// The value of a byte. Byte 0 is 2^-127, a float32 subnormal.
  public static func decode(_ byte: UInt8) -> Float {
    switch byte {
    case 0: Float(bitPattern: 0x0040_0000)
    case 255: .nan
    default: Float(bitPattern: UInt32(byte) << 23)
    }
  }

  package static func decodeRow(
    _ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == values.count)
    for index in values.indices { values[index] = decode(bytes[index]) }
  }
}
