/// What a rotation of the hidden states does to a tensor: of the model the table knows which tensors
/// read them, which write them and which norms stand before.
package enum RuntimeRotation: Hashable, Sendable {
  /// A norm whose weights go to the tensors behind it: it becomes ones.
  case ones
  /// `columns` where it reads rotated inputs, `rows` where it writes rotated outputs.
  ///
  /// - gains: the norms before it, by their names in the output: their weights, one behind the other,
  ///   multiply the columns. None where the inputs come through no norm with weights.
  case turned(columns: Bool, gains: [String], rows: Bool)
  /// Why a model with this tensor cannot be rotated.
  case refused(String)
}
