import QuernContainers

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
