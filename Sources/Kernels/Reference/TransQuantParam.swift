/// A scale and an offset in the 64 bits that the matrix unit takes: the float32 bits of the scale
/// without the lower 13, bit 46 set, the offset as nine bits in two's complement from bit 37.
package struct TransQuantParam: Hashable, Sendable {
  package let bits: UInt64

  package init(bits: UInt64) { self.bits = bits }

  /// - Throws: `KernelError.offset` unless the offset is −256 … 255.
  package init(scale: Float, offset: Int = 0) throws(KernelError) {
    guard (-256...255).contains(offset) else { throw .offset(offset) }
    bits =
      UInt64(FP19.truncated(scale).bitPattern) | 1 << 46
      | (UInt64(truncatingIfNeeded: offset) & 0x1FF) << 37
  }

  package var scale: Float { FP19.truncated(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) }

  package var offset: Int {
    let field = Int(bits >> 37 & 0x1FF)
    return field < 256 ? field : field - 512
  }
}
