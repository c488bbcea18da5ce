import QuernQuantization

/// What a runtime multiplies integer weights with.
package enum SourceActivations: Hashable, Sendable {
  /// Activations as they are: weights become floats.
  case floats
  /// Integers with a scale for each token, taken from the token.
  case dynamic(IntegerGroupLayout.CodeBits)
  /// Integers with one scale that stands in the checkpoint: `SourceTensor.scaleDivisor`.
  case fixed
  /// A way that Quern has no product for, in words for a message.
  case other(String)
}
