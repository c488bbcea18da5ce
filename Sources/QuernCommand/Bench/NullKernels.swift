import CKernels
import QuernQuantization

extension RowKernels {
  /// Kernels that do nothing: a conversion with them reads and writes the same bytes at the same
  /// places, without arithmetic. Its speed is what the pipeline could reach at best.
  static let null: RowKernels = {
    var kernels = RowKernels.scalar
    kernels.kernels.f32_from_bf16 = { _, _, _ in }
    kernels.kernels.f32_from_f16 = { _, _, _ in }
    kernels.kernels.f32_from_fp8 = { _, _, _, _, _, _ in }
    kernels.kernels.f32_from_e2m1 = { _, _, _, _ in }
    kernels.kernels.bf16_from_f32 = { _, _, _ in }
    kernels.kernels.f16_from_f32 = { _, _, _ in }
    let block = quern_block_kernels(
      decode: { _, _, _ in }, reference: { _, _, _ in }, optimal: { _, _, _, _ in },
      from_e2m1: { _, _, _, _, _ in })
    for format in [
      \quern_kernels.q8_0, \.q4_0, \.q4_1, \.q5_0, \.q5_1, \.iq4_nl, \.mxfp4, \.nvfp4, \.q4_k,
      \.q5_k,
      \.q6_k, \.iq4_xs,
    ] {
      kernels.kernels[keyPath: format] = block
    }
    kernels.kernels.first_non_finite = { _, count in count }
    kernels.kernels.compare = { _, _, _, _, _ in }
    kernels.kernels.compare_e2m1_mxfp4 = { _, _, _, _, _, _ in true }
    kernels.kernels.compare_e2m1_q8_0 = { _, _, _, _, _, _ in true }
    kernels.kernels.integers_by_absmax = { _, _, _, _ in }
    kernels.kernels.integers_optimally = { _, _, _, _, _ in }
    kernels.kernels.integers_from_e2m1 = { layout, _, _, _, planes, count in
      let groups = count / max(1, layout?.pointee.group ?? 1)
      // Not 1, which stands for groups of zeros and is looked at closely.
      planes.scales?.update(repeating: 2, count: groups)
      return groups
    }
    kernels.kernels.f32_from_integers = { _, _, _, _, _ in }
    kernels.kernels.compare_e2m1_integers = { _, _, _, _, _, _, _ in true }
    kernels.kernels.blake3 = { _, _, digest in digest?.update(repeating: 0, count: 32) }
    kernels.scanF16Scales = { _, _, count in
      quern_scale_counts(
        zero_blocks: 0, subnormal_scales: 0, first_non_finite: UInt64(clamping: count))
    }
    return kernels
  }()
}
