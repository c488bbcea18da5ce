import CKernels
import QuernQuantization
import Testing

@Suite struct ScaleScanTests {
  @Test("zero, subnormal and non-finite scales are counted")
  func counts() {
    let scales: [UInt16] = [0x3C00, 0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFE00]
    let bytes = scales.flatMap { scale in
      [UInt8(scale & 255), UInt8(scale >> 8)] + [UInt8](repeating: 0xFF, count: 16)
    }
    let counts = bytes.withUnsafeBytes { RowKernels.best.scanScales(.q4_0, $0) }
    #expect(counts.zero_blocks == 2)
    #expect(counts.subnormal_scales == 2)
    #expect(counts.first_non_finite == 7)
  }

  @Test("with no bad scale the index is the number of blocks")
  func allFinite() {
    let blocks = RowKernels.best.encoded(.q8_0, [Float](repeating: 1, count: 96))
    #expect(blocks.withUnsafeBytes { RowKernels.best.scanScales(.q8_0, $0) }.first_non_finite == 3)
  }
}
