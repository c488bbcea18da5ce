import CKernels

extension RowKernels {
  /// The kernels of a block format; nil for formats without blocks.
  package func block(_ format: NumberFormat) -> quern_block_kernels? {
    switch format {
    case .f32, .f16, .bf16, .i32: nil
    case .q8_0: kernels.q8_0
    case .q4_0: kernels.q4_0
    case .q4_1: kernels.q4_1
    case .q5_0: kernels.q5_0
    case .q5_1: kernels.q5_1
    case .iq4_nl: kernels.iq4_nl
    case .mxfp4: kernels.mxfp4
    case .nvfp4: kernels.nvfp4
    case .q4_k: kernels.q4_k
    case .q5_k: kernels.q5_k
    case .q6_k: kernels.q6_k
    case .iq4_xs: kernels.iq4_xs
    }
  }

  /// Decodes a row of any float format. The byte count must be the format's for that many
  /// elements.
  package func decode(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count)
    guard let source = bytes.baseAddress, let out = values.baseAddress else { return }
    if let block = block(format) {
      block.decode(source.assumingMemoryBound(to: UInt8.self), out, values.count)
      return
    }
    switch format {
    case .f16: kernels.f32_from_f16(source, out, values.count)
    case .bf16: kernels.f32_from_bf16(source, out, values.count)
    case .i32: ReferenceDecoder.decode(format, bytes, into: values)
    default: UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// Encodes rows of finite values by the rule of the format's reference encoder. I32 is not a format
  /// for weights: its bytes are left alone.
  package func encode(
    _ format: NumberFormat, _ values: UnsafeBufferPointer<Float>,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count && format != .i32)
    guard let source = values.baseAddress, let out = bytes.baseAddress else { return }
    if let block = block(format) {
      block.reference(source, out.assumingMemoryBound(to: UInt8.self), values.count)
      return
    }
    switch format {
    case .f16: kernels.f16_from_f32(source, out, values.count)
    case .bf16: kernels.bf16_from_f32(source, out, values.count)
    case .i32: return
    default: out.copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// Encodes finite values with the scales of least squared error.
  ///
  /// - Parameter weights: one finite value ≥ 0 for each of `values`, or nil where all count the same.
  package func encodeOptimally(
    _ format: NumberFormat, _ values: UnsafeBufferPointer<Float>,
    weights: UnsafeBufferPointer<Float>?, into bytes: UnsafeMutableRawBufferPointer
  ) {
    precondition(format.byteCount(elements: values.count) == bytes.count)
    precondition(weights == nil || weights?.count == values.count)
    guard let block = block(format) else { return encode(format, values, into: bytes) }
    guard let source = values.baseAddress, let out = bytes.baseAddress else { return }
    block.optimal(
      source, weights?.baseAddress, out.assumingMemoryBound(to: UInt8.self), values.count)
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

  /// What the F16 scales of each block look like. A block counts as zero by its first scale alone: a
  /// minimum of 0 is an ordinary one.
  package func scanScales(
    _ format: NumberFormat, _ bytes: UnsafeRawBufferPointer
  ) -> quern_scale_counts {
    let count = bytes.count / format.blockBytes
    var total = quern_scale_counts()
    total.first_non_finite = UInt64(count)
    guard let base = bytes.baseAddress, count > 0 else { return total }
    for (index, offset) in format.f16ScaleOffsets.enumerated() {
      let scales = base.assumingMemoryBound(to: UInt8.self) + offset
      let counts = scanF16Scales(scales, format.blockBytes, count)
      if index == 0 { total.zero_blocks = counts.zero_blocks }
      total.subnormal_scales += counts.subnormal_scales
      total.first_non_finite = min(total.first_non_finite, counts.first_non_finite)
    }
    return total
  }
}
