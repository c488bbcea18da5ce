import QuernQuantization

/// What llama.cpp's CPU backend rounds activations to before they meet weights: `formats/products`.
package enum ActivationRounding: String, CaseIterable, Sendable {
  case f32
  case f16
  case bf16
  case q8_0
  case q8_1
  case q8_k

  /// Elements that share a scale; 1 where there are no blocks.
  package var blockElements: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q8_0, .q8_1: 32
    case .q8_k: 256
    }
  }
}

extension NumberFormat {
  /// What activations are rounded to where weights have this format; nil for I32.
  package var activationRounding: ActivationRounding? {
    switch self {
    case .i32: nil
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0, .q4_0, .q5_0, .iq4_nl, .mxfp4, .nvfp4: .q8_0
    case .q4_1, .q5_1: .q8_1
    case .q4_k, .q5_k, .q6_k, .iq4_xs: .q8_k
    }
  }
}
