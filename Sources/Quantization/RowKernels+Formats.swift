import CKernels

extension RowKernels {
  /// Decodes a row of any float format. The byte count must be the format's for that many
  /// elements.
  package func decode(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count)
    guard let source = bytes.baseAddress, let out = values.baseAddress else { return }
    let blocks = source.assumingMemoryBound(to: UInt8.self)
    switch format {
    case .f32: UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: bytes.count)
    case .i32: ReferenceDecoder.decode(format, bytes, into: values)
    case .f16: kernels.f32_from_f16(source, out, values.count)
    case .bf16: kernels.f32_from_bf16(source, out, values.count)
    case .q8_0: kernels.f32_from_q8_0(blocks, out, values.count)
    case .q4_0: kernels.f32_from_q4_0(blocks, out, values.count)
    case .mxfp4: kernels.f32_from_mxfp4(blocks, out, values.count)
    }
  }

  /// Encodes a row of finite values (absmax rule for the block formats). I32 is not a format for
  /// weights: its bytes are left alone.
  package func encode(
    _ format: NumberFormat, _ values: UnsafeBufferPointer<Float>,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count && format != .i32)
    guard let source = values.baseAddress, let out = bytes.baseAddress else { return }
    let blocks = out.assumingMemoryBound(to: UInt8.self)
    switch format {
    case .f32: out.copyMemory(from: source, byteCount: bytes.count)
    case .i32: return
    case .f16: kernels.f16_from_f32(source, out, values.count)
    case .bf16: kernels.bf16_from_f32(source, out, values.count)
    case .q8_0: kernels.q8_0_from_f32(source, blocks, values.count)
    case .q4_0: kernels.q4_0_from_f32(source, blocks, values.count)
    case .mxfp4: kernels.mxfp4_from_f32(source, blocks, values.count)
    }
  }

  /// The index of the first NaN or infinity, or nil.
  package func firstNonFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
    guard let base = values.baseAddress else { return nil }
    let index = kernels.first_non_finite(base, values.count)
    return index == values.count ? nil : index
  }

  /// BLAKE3 of the bytes, 32 bytes.
  package func blake3(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { digest, initialized in
      // A null pointer with a count of 0 is an empty message.
      kernels.blake3(bytes.baseAddress, bytes.count, digest.baseAddress)
      initialized = 32
    }
  }

  /// What the F16 scales at the start of each block look like.
  package func scanScales(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer
  ) -> quern_scale_counts {
    precondition(format == .q8_0 || format == .q4_0)
    let count = bytes.count / format.blockBytes
    guard let base = bytes.baseAddress else { return quern_scale_counts() }
    return scanF16Scales(base.assumingMemoryBound(to: UInt8.self), format.blockBytes, count)
  }
}
