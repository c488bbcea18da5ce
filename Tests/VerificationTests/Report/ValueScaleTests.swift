import Testing

@testable import QuernVerification

struct ValueScaleTests {
  @Test func errorsNearEachOtherBeginAtZero() {
    let scale = ValueScale(.error, covering: [0.02, 0.043])
    #expect(!scale.isLogarithmic && scale.low == 0 && abs(scale.high - 0.05) < 1e-12)
    #expect(abs(scale.position(0.025) - 0.5) < 1e-12)
  }

  @Test func errorsFarApartAreShownByPowersOfTen() {
    let scale = ValueScale(.error, covering: [0.0002, 0, 0.5])
    #expect(scale.isLogarithmic && scale.ticks.count == 5)
    #expect(abs(scale.position(0.01) - 0.5) < 1e-9)
    #expect(scale.position(0) == 0)
  }

  @Test func sharesHangFromOne() {
    let scale = ValueScale(.share(smallestGap: 0.01), covering: [0.94, 1])
    #expect(scale.high == 1 && abs(scale.low - 0.94) < 1e-9)
    #expect(scale.position(1) == 1)
  }

  @Test(arguments: [
    [Double](), [0], [0, 0, 0], [.leastNonzeroMagnitude], [1e308, 1e-308], [1e-9, 1],
    [.infinity, 1], [.nan],
  ])
  func placesAreAlwaysWithinTheDrawing(values: [Double]) {
    for kind in [ValueScale.Kind.error, .logarithmic, .share(smallestGap: 0.01)] {
      let scale = ValueScale(kind, covering: values)
      #expect(scale.ticks.count <= 10 && scale.ticks.allSatisfy(\.isFinite))
      for value in values + [0, 1, -1] {
        #expect((0...1).contains(scale.position(value)), "\(kind) \(values) \(value)")
      }
    }
  }
}
