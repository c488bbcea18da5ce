import QuernQuantization

extension NumberFormat {
  /// What the format's reference encoder is: the one-pass rule, or the search of the K and IQ
  /// formats. Only block formats have one.
  package var referenceMethod: PlannedTensor.Method {
    switch self {
    case .f32, .f16, .bf16, .i32: .cast
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .mxfp4, .nvfp4: .absmax
    case .iq4_nl, .q4_k, .q5_k, .q6_k, .iq4_xs: .ggml
    }
  }

  /// The format that takes the place of this one where its blocks do not divide the rows: blocks of
  /// 32 for those of 256, F16 where these do not divide them either. The choices are llama.cpp's
  /// (src/llama-quant.cpp).
  package func fallback(rowLength: Int) -> NumberFormat {
    if divides(rowLength: rowLength) { return self }
    let smaller: NumberFormat =
      switch self {
      case .q4_k: .q5_0
      case .q5_k: .q5_1
      case .q6_k: .q8_0
      case .iq4_xs: .iq4_nl
      default: .f16
      }
    return smaller.divides(rowLength: rowLength) ? smaller : .f16
  }
}
