import QuernTensors
import Testing

@testable import QuernKernels

@Suite struct HalfTypeTests {
  @Test("rounding is that of the number formats, around every number and every half way")
  func rounding() {
    for code in 0..<UInt16(0x7C00) {
      let value = F16.decode(code)
      let middle = value + (F16.decode(code + 1) - value) / 2
      for centre in [value, middle] where centre.isFinite {
        for bits in [centre.bitPattern &- 1, centre.bitPattern, centre.bitPattern + 1] {
          for near in [Float(bitPattern: bits), -Float(bitPattern: bits)] where !near.isNaN {
            let expected = F16.decode(F16.encode(near))
            #expect(HalfType.f16.rounded(near).bitPattern == expected.bitPattern)
          }
        }
      }
    }
    for value: Float in [65519.99, 65520, -1e9, .infinity, 0x1p-25, 0x1.000002p-25, -0x1p-149] {
      let (f16, bf16) = (F16.decode(F16.encode(value)), BF16.decode(BF16.encode(value)))
      #expect(HalfType.f16.rounded(value).bitPattern == f16.bitPattern)
      #expect(HalfType.bf16.rounded(value).bitPattern == bf16.bitPattern)
    }
    #expect(HalfType.f16.rounded(.nan).isNaN && HalfType.bf16.rounded(.nan).isNaN)
  }
}
