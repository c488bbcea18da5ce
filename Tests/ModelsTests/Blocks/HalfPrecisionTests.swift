import QuernTensors
import Testing

@testable import QuernModels

@Suite struct HalfPrecisionTests {
  @Test func numbersBecomeTheNearestOfF16() {
    var values: [Float] = [
      0, -0, 1, -1.0004883, 1.0014648, 0x1p-14, 0x1p-24, 0x1p-25, 0x3p-26, 65519,
    ]
    // Every exponent, with ties and their neighbours.
    for exponent in -30...15 {
      for bits in [0x1000, 0x0FFF, 0x1001, 0x3000, 0x2FFF, 0x7F_F000, 0x7F_FFFF] as [UInt32] {
        values.append(
          Float(sign: .minus, exponentBitPattern: UInt(exponent + 127), significandBitPattern: bits)
        )
      }
    }
    var rounded = values
    rounded.withUnsafeMutableBufferPointer { HalfPrecision.round($0) }
    for (found, value) in zip(rounded, values) {
      let wanted = F16.decode(F16.encode(value))
      #expect(
        found.bitPattern
          == (wanted.isInfinite ? Float(signOf: value, magnitudeOf: 65504) : wanted).bitPattern,
        "\(value)")
    }
  }

  @Test func whatIsBeyondTheLargestBecomesTheLargest() {
    var values: [Float] = [65520, -1e30, .greatestFiniteMagnitude]
    values.withUnsafeMutableBufferPointer { HalfPrecision.round($0) }
    #expect(values == [65504, -65504, 65504])
  }
}
