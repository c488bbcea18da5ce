import QuernTensors

/// Blocks of 256 with scales of their own for each 32 or 16 elements. See `formats/blocks`.
extension ReferenceDecoder {
  /// F16 scales of the scales and of the minima, eight pairs of six bits, then the codes: byte
  /// 32·(i ÷ 64) + i mod 32 holds element i low where i mod 64 is below 32, otherwise high.
  static func decodeQ4_K(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    decodeScaleAndMinimum(block, into: values) { Int(superBlockNibble(block, 16, $0)) }
  }

  /// As Q4_K, with 32 bytes before the codes: bit i ÷ 32 of byte i mod 32 is element i's fifth.
  static func decodeQ5_K(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    decodeScaleAndMinimum(block, into: values) { index in
      let high = block[16 + index % 32] >> UInt8(index / 32) & 1
      return Int(superBlockNibble(block, 48, index)) + 16 * Int(high)
    }
  }

  private static func decodeScaleAndMinimum(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>,
    _ code: (Int) -> Int
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    let minimumScale = F16.decode(block.littleEndianUInt16(at: 2))
    for index in 0..<256 {
      let (own, minimum) = sixBitPair(block, index / 32)
      values[index] =
        (scale * Float(own)) * Float(code(index)) - minimumScale * Float(minimum)
    }
  }

  /// Scale and minimum of a run of 32, from the 12 bytes at offset 4.
  private static func sixBitPair(_ block: UnsafeRawBufferPointer, _ run: Int) -> (Int, Int) {
    let byte = { (index: Int) in Int(block[4 + index]) }
    if run < 4 { return (byte(run) & 63, byte(run + 4) & 63) }
    let (scaleHigh, minimumHigh) = (byte(run - 4) >> 6, byte(run) >> 6)
    return (byte(run + 4) & 15 | scaleHigh << 4, byte(run + 4) >> 4 | minimumHigh << 4)
  }

  private static func superBlockNibble(
    _ block: UnsafeRawBufferPointer, _ start: Int, _ index: Int
  ) -> UInt8 {
    let byte = block[start + 32 * (index / 64) + index % 32]
    return index % 64 < 32 ? byte & 15 : byte >> 4
  }

  /// 128 bytes of low halves, 64 of two high bits each, a signed scale for each 16 elements, and the
  /// F16 scale last.
  static func decodeQ6_K(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 208))
    for index in 0..<256 {
      let (half, run, place) = (index / 128, index % 128 / 32, index % 32)
      let byte = block[64 * half + 32 * (run % 2) + place]
      let low = run < 2 ? byte & 15 : byte >> 4
      let high = block[128 + 32 * half + place] >> UInt8(2 * run) & 3
      let own = Float(Int8(bitPattern: block[192 + index / 16]))
      values[index] = (scale * own) * Float(Int(low | high << 4) - 32)
    }
  }

  /// F16 scale, the two high bits of eight scales in 16 bits, their low halves, then the codes of each
  /// 32 elements in the order of Q4_0.
  static func decodeIQ4_XS(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    let highBits = block.littleEndianUInt16(at: 2)
    for index in 0..<256 {
      let run = index / 32
      let low = block[4 + run / 2] >> UInt8(4 * (run % 2)) & 15
      let own = Int(low) + 16 * Int(highBits >> UInt16(2 * run) & 3) - 32
      let code = nibble(block, 8 + 16 * run, index % 32)
      values[index] = (scale * Float(own)) * iq4Values[Int(code)]
    }
  }
}
