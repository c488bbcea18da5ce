import QuernTensors

/// Decodes every number format in plain Swift, as `formats/blocks` and `formats/numbers` say.
///
/// This is the judge: it shares no code with the kernels in C, and verification trusts only it.
package enum ReferenceDecoder {
  /// Decodes `bytes` into `values`. The byte count must be the format's for that many elements.
  package static func decode(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count)
    switch format {
    case .f32: decodeWords(bytes, into: values) { Float(bitPattern: $0) }
    case .i32: decodeWords(bytes, into: values) { Float(Int32(bitPattern: $0)) }
    case .f16: F16.decodeRow(bytes, into: values)
    case .bf16: BF16.decodeRow(bytes, into: values)
    case .q8_0: decodeBlocks(format, bytes, into: values, decodeQ8_0)
    case .q4_0: decodeBlocks(format, bytes, into: values, decodeQ4_0)
    case .mxfp4: decodeBlocks(format, bytes, into: values, decodeMXFP4)
    case .nvfp4: decodeBlocks(format, bytes, into: values, decodeNVFP4)
    case .q4_1: decodeBlocks(format, bytes, into: values, decodeQ4_1)
    case .q5_0: decodeBlocks(format, bytes, into: values, decodeQ5_0)
    case .q5_1: decodeBlocks(format, bytes, into: values, decodeQ5_1)
    case .iq4_nl: decodeBlocks(format, bytes, into: values, decodeIQ4_NL)
    case .q4_k: decodeBlocks(format, bytes, into: values, decodeQ4_K)
    case .q5_k: decodeBlocks(format, bytes, into: values, decodeQ5_K)
    case .q6_k: decodeBlocks(format, bytes, into: values, decodeQ6_K)
    case .iq4_xs: decodeBlocks(format, bytes, into: values, decodeIQ4_XS)
    }
  }

  /// Decodes into a new array; nil when the bytes are no whole number of blocks.
  package static func decode(_ format: NumberFormat, _ bytes: [UInt8]) -> [Float]? {
    guard bytes.count % format.blockBytes == 0 else { return nil }
    let count = bytes.count / format.blockBytes * format.blockElements
    return [Float](unsafeUninitializedCapacity: count) { values, initialized in
      let row = UnsafeMutableBufferPointer(rebasing: values[..<count])
      row.initialize(repeating: 0)
      bytes.withUnsafeBytes { decode(format, $0, into: row) }
      initialized = count
    }
  }

  private static func decodeWords(
    _ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>,
    _ value: (UInt32) -> Float
  ) {
    for index in values.indices { values[index] = value(bytes.littleEndianUInt32(at: 4 * index)) }
  }

  private static func decodeBlocks(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer,
    into values: UnsafeMutableBufferPointer<Float>,
    _ decodeBlock: (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let (size, length) = (format.blockBytes, format.blockElements)
    for block in 0..<values.count / length {
      let source = UnsafeRawBufferPointer(rebasing: bytes[block * size..<(block + 1) * size])
      let target = UnsafeMutableBufferPointer(
        rebasing: values[block * length..<(block + 1) * length])
      decodeBlock(source, target)
    }
  }

  /// F16 scale, then 32 signed bytes.
  private static func decodeQ8_0(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    for index in 0..<32 { values[index] = scale * Float(Int8(bitPattern: block[2 + index])) }
  }

  /// F16 scale, then 16 bytes: byte j holds element j low and element j + 16 high, plus 8.
  private static func decodeQ4_0(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = F16.decode(block.littleEndianUInt16(at: 0))
    for index in 0..<32 { values[index] = scale * Float(Int(nibble(block, 2, index)) - 8) }
  }

  /// E8M0 scale, then 16 bytes of FP4 codes in the order of Q4_0; code 8 is +0 here.
  private static func decodeMXFP4(
    _ block: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scale = E8M0.decode(block[0])
    let table = E2M1.table
    for index in 0..<32 {
      let code = nibble(block, 1, index)
      values[index] = scale * table[code == 8 ? 0 : Int(code)]
    }
  }

  static func nibble(_ block: UnsafeRawBufferPointer, _ start: Int, _ index: Int) -> UInt8 {
    let byte = block[start + index % 16]
    return index < 16 ? byte & 15 : byte >> 4
  }
}
