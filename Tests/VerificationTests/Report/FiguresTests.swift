import Testing

@testable import QuernVerification

struct FiguresTests {
  @Test(arguments: [
    (0.0, "0"), (0.04421, "0.0442"), (1.0, "1.00"), (12.345, "12.3"), (1234.5, "1235"),
    (0.0001, "0.000100"), (0.000012345, "1.23e-5"), (-0.5, "-0.500"), (.infinity, "inf"),
  ])
  func threeDigitsCount(value: Double, text: String) { #expect(value.significant(3) == text) }

  @Test(arguments: [
    ("10.0\u{a0}%", "10\u{a0}%"), ("7.50", "7.5"), ("1.00e-5", "1e-5"), ("100", "100"),
    ("0.0200\u{a0}%", "0.02\u{a0}%"), ("–", "–"),
  ])
  func axesHaveNoEndingZeros(text: String, short: String) {
    #expect(text.withoutEndingZeros == short)
  }

  @Test func aStandardErrorSetsTheDecimals() {
    #expect(
      ParityFile.Estimate(value: 0.031274, standardError: 0.00124).text() == "0.0313 ± 0.0012")
    #expect(ParityFile.Estimate(value: 8.4312, standardError: 0.1312).text() == "8.43 ± 0.13")
    #expect(
      ParityFile.Estimate(value: 0.9471, standardError: 0.0042).text(scale: 100, unit: " %")
        == "94.71 ± 0.42 %")
    #expect(ParityFile.Estimate(value: 2, standardError: nil).text() == "2.000")
  }
}
