/// What a draft stage's output weight multiplies.
package struct DraftStates: Sendable {
  /// [rows, hidden].
  package let values: Activations
  /// The output weight, one of the draft model's.
  package let outputName: String

  package init(values: Activations, outputName: String) {
    (self.values, self.outputName) = (values, outputName)
  }
}
