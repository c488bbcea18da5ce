/// FP4 E2M1: 1 sign bit, 2 exponent bits (bias 1), 1 fraction bit; the values
/// 0 ½ 1 1½ 2 3 4 6 and their negatives, −0 included. (OCP Microscaling Formats specification 1.0.)
public enum E2M1 {
  /// The value of the low four bits of `code`; exact.
  public static func decode(_ code: UInt8) -> Float {
    let exponent = Int(code >> 1 & 3)
    let fraction = Float(code & 1)
    let value =
      exponent == 0
      ? fraction / 2
      : (1 + fraction / 2) * Float(1 << (exponent - 1))
    return code & 8 == 0 ? value : -value
  }

  /// The 16 values, by code.
  package static let table: [Float] = (0...15).map { decode($0) }

  /// Elements that share one E8M0 scale.
  package static let scaleBlock = 32

  /// Decodes a row as released checkpoints store it: byte j holds element 2j in its low and
  /// element 2j + 1 in its high four bits, and `scales` one E8M0 byte for every 32 elements.
  package static func decodeRow(
    _ packed: UnsafeRawBufferPointer, scales: UnsafeRawBufferPointer,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(packed.count * 2 == values.count && scales.count * scaleBlock == values.count)
    let table = Self.table
    for block in 0..<scales.count {
      let scale = E8M0.decode(scales[block])
      for index in block * scaleBlock..<(block + 1) * scaleBlock {
        let byte = packed[index / 2]
        let code = index % 2 == 0 ? byte & 15 : byte >> 4
        // Scaling by powers of two in one step: half values of the smallest scale are subnormal.
        values[index] = table[Int(code)] * scale
      }
    }
  }
}
