import CKernels

/// The row kernels of one instruction set level, with the pointers and counts checked.
///
/// A value: tests replace single functions of `kernels` to see what a broken one does.
package struct RowKernels: @unchecked Sendable {
  // Unchecked because function pointers in imported structs carry no `@Sendable`; the functions
  // are pure but for the buffers they are given.
  package var kernels: quern_kernels
  /// Counts zero, subnormal and infinite scales; one in every 32 elements is too few for levels.
  package var scanF16Scales:
    @convention(c) (UnsafePointer<UInt8>?, Int, Int) -> quern_scale_counts = quern_scan_f16_scales

  package init(_ kernels: quern_kernels) { self.kernels = kernels }

  /// The fastest level of this CPU.
  package static let best = RowKernels(quern_kernels_best().pointee)

  /// The definition.
  package static let scalar = RowKernels(quern_kernels_at(QUERN_LEVEL_SCALAR).pointee)

  /// Every level this CPU runs, the scalar one first.
  package static let available: [RowKernels] = [
    QUERN_LEVEL_SCALAR, QUERN_LEVEL_V3, QUERN_LEVEL_V4, QUERN_LEVEL_NEON,
  ].compactMap { level in quern_kernels_at(level).map { RowKernels($0.pointee) } }

  package var levelName: String {
    switch kernels.level {
    case QUERN_LEVEL_V3: "x86-64-v3"
    case QUERN_LEVEL_V4: "x86-64-v4"
    case QUERN_LEVEL_NEON: "neon"
    default: "scalar"
    }
  }
}
