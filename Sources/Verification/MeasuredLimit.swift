import QuernQuantization

/// How large an error a type explains: √(noise / signal) of the whole tensor.
///
/// Weights quantized from anything reasonable stay far below; a wrong permutation, stacking order or
/// scale gives about 1.4, the distance between unrelated values.
enum MeasuredLimit {
  static func relativeError(of format: NumberFormat) -> Double {
    switch format {
    // Values that were float32 or narrower; products of FP8 and its scale may be rounded elsewhere.
    case .f32: 1e-6
    // F16 keeps eleven bits of normal values, BF16 eight.
    case .f16, .bf16: 0.01
    case .i32: 0
    // About 0.5 % for Gaussian weights, more for blocks with outliers.
    case .q8_0: 0.05
    // About 2 % for Gaussian weights.
    case .q6_k: 0.1
    // About 4 % for Gaussian weights.
    case .q5_0, .q5_1, .q5_k: 0.15
    // 7 to 12 % for Gaussian weights.
    case .q4_0, .q4_1, .q4_k, .iq4_nl, .iq4_xs, .mxfp4, .nvfp4: 0.25
    }
  }
}
