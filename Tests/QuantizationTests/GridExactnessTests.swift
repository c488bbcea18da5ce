import QuernQuantization
import Testing

@Suite struct GridExactnessTests {
  @Test(
    "scales within the limits are exact, scales beyond them are not",
    arguments: [
      (.q8_0, -23...16, -24...16), (.q5_0, -23...16, -23...17), (.q5_1, -23...12, -23...13),
      (.q5_k, -7 ... -2, -7 ... -1), (.q5_k, 7...12, 8...13), (.q6_k, -7...1, -7...2),
      (.nvfp4, -9...8, -10...8), (.mxfp4, -127...125, -127...126),
    ] as [(NumberFormat, ClosedRange<Int>, ClosedRange<Int>)])
  func limits(format: NumberFormat, within: ClosedRange<Int>, beyond: ClosedRange<Int>) {
    #expect(GridExactness.isExact(format, scaleExponents: within))
    #expect(!GridExactness.isExact(format, scaleExponents: beyond))
  }

  @Test(
    "formats of four bits are exact by luck alone",
    arguments: [NumberFormat.q4_0, .q4_1, .q4_k, .iq4_nl, .iq4_xs])
  func others(format: NumberFormat) {
    #expect(!GridExactness.isExact(format, scaleExponents: -7 ... -7))
  }

  @Test("integers of eight bits with one scale are exact up to a spread of 3")
  func integers() {
    #expect(GridExactness.isExactInEightBits(scaleExponents: -7 ... -4))
    #expect(!GridExactness.isExactInEightBits(scaleExponents: -7 ... -3))
  }
}
