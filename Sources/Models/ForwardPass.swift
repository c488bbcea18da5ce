/// A family's forward pass, layer by layer. All arithmetic that is no product is float32 as the family's
/// file says; products read their weights, use them for all rows and drop them.
package protocol ForwardPass: Sendable {
  var layerCount: Int { get }
  var hiddenWidth: Int { get }
  /// Streams of `hiddenWidth` that a row has between layers.
  var streamCount: Int { get }
  var vocabulary: Int { get }
  /// Positions that the model was made for.
  var context: Int { get }
  /// The weight that turns finished rows into logits.
  var outputName: String { get }

  /// What the first layer takes: [rows, streams · hidden].
  func embed(_ batch: TokenBatch, _ products: Products) throws(ModelError) -> Activations

  /// Replaces the stream by what the layer makes of it.
  func run(layer: Int, _ stream: Activations, _ batch: TokenBatch, _ products: Products)
    throws(ModelError) -> LayerTrace

  /// What the output weight multiplies: [rows, hidden].
  func finish(_ stream: Activations, _ products: Products) throws(ModelError) -> Activations

  /// What the output weight multiplies to guess the token after the next, from the stream behind the
  /// last layer; nil without a draft stage. The rows are those of `batch` without the last of each
  /// sequence.
  ///
  /// - Parameter draft: products with the weights of the draft model.
  func finishDraft(
    _ stream: Activations, _ batch: TokenBatch, _ products: Products, draft: Products
  ) throws(ModelError) -> DraftStates?
}

extension ForwardPass {
  package var streamCount: Int { 1 }

  package func finishDraft(
    _ stream: Activations, _ batch: TokenBatch, _ products: Products, draft: Products
  ) throws(ModelError) -> DraftStates? { nil }
}
