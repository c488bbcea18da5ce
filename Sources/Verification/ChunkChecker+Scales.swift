import QuernCertificates
import QuernQuantization

/// What the scales of a chunk say.
extension ChunkChecker {
  /// Counts F16 scales with an exponent field of 0: blocks whose first scale is zero, and every scale
  /// or minimum that is subnormal.
  static func countScales(
    of format: NumberFormat, _ output: [UInt8], into counts: inout CertificateRow.Counts
  ) {
    for (index, offset) in format.f16ScaleOffsets.enumerated() {
      for start in stride(from: offset, to: output.count, by: format.blockBytes) {
        let bits = UInt16(output[start]) | UInt16(output[start + 1]) << 8
        let (exponent, fraction) = (bits >> 10 & 31, bits & 0x3ff)
        guard exponent == 0 else { continue }
        if fraction != 0 {
          counts.subnormalScales += 1
        } else if index == 0 {
          counts.zeroBlocks += 1
        }
      }
    }
  }

  /// The largest bound on the error of Q4_0 from FP4: 1½ units of the grid, and a unit is
  /// 2^(scale byte − 128). It holds where every step is an F16: for the bytes 105 to 142.
  static func bound(_ scales: [UInt8]) -> Double? {
    guard let smallest = scales.min(), let largest = scales.max(), smallest >= 105, largest <= 142
    else { return nil }
    return Double(sign: .plus, exponent: Int(largest) - 128, significand: 1.5)
  }
}
