import QuernQuantization

/// What a plan expects of FP4 weights in another format, from the exponents of their scales.
///
/// Values are 0 ±1 ±2 ±3 ±4 ±6 ±8 ±12 units of 2^(e − 1), with 2^e the scale of 32 of them. A format is
/// exact where it has these multiples and can store the units of a block.
struct GridExpectation {
  let format: NumberFormat
  /// Of each source; nil where the scales were not read.
  let spreads: [ScaleSurvey.Spread?]
  /// Whether the target multiplies NVFP4 by a second scale.
  let hasSecondScale: Bool
  /// Whether importance chooses among encodings that are not exact.
  let isWeighted: Bool

  var exactness: Exactness {
    switch format {
    case .mxfp4: .exact
    case .q8_0, .q5_0: exact("every scale is between 2^-23 and 2^16")
    case .q5_1: exact("every scale is between 2^-23 and 2^12")
    case .q5_k:
      exact("the scales of each 256 weights are within 2^5, between 2^-23 and 2^12")
    case .q6_k:
      exact("the scales of each 256 weights are within 2^8, between 2^-23 and 2^16")
    // The second scale moves them to where UE4M3 has powers of two.
    case .nvfp4 where hasSecondScale:
      exact("the scales of each expert are within 2^17") { $0.width <= 17 }
    case .nvfp4: exact("every scale is between 2^-9 and 2^8")
    // The bound of `GridBounds` holds for scale bytes from 105 to 142, and not for weighted errors.
    case .q4_0 where isWeighted: .measured
    case .q4_0: spreads.allSatisfy { $0?.isWithin(-22...15) ?? true } ? .bounded : .measured
    case .f32, .f16, .bf16, .i32, .q4_1, .iq4_nl, .q4_k, .iq4_xs: .measured
    }
  }

  private func exact(_ condition: String) -> Exactness {
    exact(condition) { spread in
      guard spread.minimum <= spread.maximum else { return true }
      return spread.isPowersOfTwo
        && GridExactness.isExact(format, scaleExponents: spread.minimum...spread.maximum)
    }
  }

  private func exact(_ condition: String, _ holds: (ScaleSurvey.Spread) -> Bool) -> Exactness {
    spreads.allSatisfy { $0.map(holds) ?? false } ? .exact : .exactIf(condition)
  }
}
