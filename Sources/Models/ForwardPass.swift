import QuernCheckpoints
import QuernContainers

/// What a layer chose for each row.
package struct LayerTrace: Sendable {
  /// The experts of each row; nil in a layer without a router.
  package var experts: [[Int32]]?
  /// The compressed positions that the indexer chose for each row; nil in a layer without one.
  package var index: [[Int32]]?

  package init(experts: [[Int32]]? = nil, index: [[Int32]]? = nil) {
    (self.experts, self.index) = (experts, index)
  }
}

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

/// Finds the forward pass of a model.
package enum ForwardPasses {
  private typealias Maker = @Sendable (ModelWeights) throws(ModelError) -> any ForwardPass

  /// The passes by the architectures, as GGUF names them, that they are for.
  private static let families: [(architectures: [String], make: Maker)] = [
    (
      TransformerModel.architectures,
      { (weights) throws(ModelError) in try TransformerModel(weights) }
    ),
    (["deepseek2"], { (weights) throws(ModelError) in try DeepSeekV3Model(weights) }),
    (["deepseek4"], { (weights) throws(ModelError) in try DeepSeekV4Model(weights) }),
  ]

  /// What can be done without one.
  static let advice = "its weights can still be proven: quern verify"

  /// The architectures that have a pass.
  package static var architectures: [String] { families.flatMap(\.architectures) }

  /// - Throws: `ModelError.data` for a family without one, and for numbers that a family's has no use for.
  package static func make(_ weights: ModelWeights) throws(ModelError) -> any ForwardPass {
    let architecture = weights.model.architecture
    if let family = families.first(where: { $0.architectures.contains(architecture) }) {
      return try family.make(weights)
    }
    throw .data(
      InputProblem(
        file: weights.model.descriptionFile, field: "architecture",
        found: architecture.escapedForDisplay,
        expected: "a family with a forward pass: \(architectures.joined(separator: ", "))",
        hint: advice))
  }
}
