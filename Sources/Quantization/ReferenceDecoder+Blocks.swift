import QuernTensors

/// Blocks of 32 and 64: offsets, fifth bits and tables. See `formats/blocks`.
extension ReferenceDecoder {
  /// The values of IQ4_NL's and IQ4_XS's codes.
  package static let iq4Values: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// F16 scale and F16 minimum, then codes in the order of Q4_0.
  static func decodeQ4_1(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    let minimum = F16.decode(block.littleEndianUInt16(at: 2))
    for index in 0..<32 { values[index] = scale * Float(nibble(block, 4, index)) + minimum }
  }

  /// F16 scale, a fifth bit for each element in 32 bits, then codes in the order of Q4_0, plus 16.
  static func decodeQ5_0(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    for index in 0..<32 {
      values[index] = scale * Float(fiveBits(block, fifth: 2, rest: 6, index) - 16)
    }
  }

  static func decodeQ5_1(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    let minimum = F16.decode(block.littleEndianUInt16(at: 2))
    for index in 0..<32 {
      values[index] = scale * Float(fiveBits(block, fifth: 4, rest: 8, index)) + minimum
    }
  }

  private static func fiveBits(
    _ block: UnsafeRawBufferPointer, fifth: Int, rest: Int, _ index: Int
  ) -> Int {
    let high = block.littleEndianUInt32(at: fifth) >> UInt32(index) & 1
    return Int(nibble(block, rest, index)) + 16 * Int(high)
  }

  static func decodeIQ4_NL(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    for index in 0..<32 { values[index] = scale * iq4Values[Int(nibble(block, 2, index))] }
  }

  /// Four scale bytes, then eight bytes of FP4 codes for each sixteen elements: byte j holds element
  /// j low, j + 8 high. Code 8 is +0 here.
  static func decodeNVFP4(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let table = E2M1.table
    for index in 0..<64 {
      let (group, place) = (index / 16, index % 16)
      let byte = block[4 + 8 * group + place % 8]
      let code = place < 8 ? byte & 15 : byte >> 4
      values[index] = nvfp4Scale(block[group]) * table[code == 8 ? 0 : Int(code)]
    }
  }

  /// The scale of a group: E4M3 with the sign bit ignored, except that the bytes 0 and 0x7F are 0.
  package static func nvfp4Scale(_ byte: UInt8) -> Float {
    if byte == 0x7f { return 0 }
    let (exponent, mantissa) = (Int(byte >> 3 & 15), Float(byte & 7))
    return exponent == 0
      ? mantissa * 0x1p-9
      : (1 + mantissa / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1)
  }
}
