import QuernModels

/// What a parity run found: how an output's stream and words differ from those of its checkpoint.
package struct ParityFile: Sendable {
  package static let formatName = "quern-parity"
  package static let formatVersion = 1
  package static let layerLimit = 1024

  package struct Model: Sendable {
    package let name: String
    package let architecture: String
    package let path: String
  }

  /// How the output's weights are multiplied.
  package typealias Mode = ProductMode

  package struct Tokens: Sendable {
    /// The file, or the text that is built in.
    package let source: String
    package let count: Int
    package let sequences: Int
    package let sequenceLength: Int
    /// Tokens whose probabilities were compared.
    package let scored: Int
  }

  /// The share of entries that both chose, with the stream as it came and with the reference's.
  package struct Agreement: Sendable {
    package let carried: Double
    package let own: Double
  }

  /// `relativeError` is ‖out − ref‖ / ‖ref‖ of the stream after the layer; `own…` where the layer was
  /// given the reference's stream.
  package struct Layer: Sendable {
    package let layer: Int
    package let relativeError: Double
    package let cosine: Double
    package let ownRelativeError: Double
    package let ownCosine: Double
    package let router: Agreement?
    package let indexer: Agreement?
  }

  package struct Estimate: Sendable {
    package let value: Double
    /// Nil where the run gave none.
    package let standardError: Double?
  }

  package struct Divergence: Sendable {
    package let mean: Estimate
    package let median: Double
    package let p99: Double
    package let max: Double
  }

  package struct Result: Sendable {
    package let divergence: Divergence
    package let sameTop: Estimate
    package let checkpointPerplexity: Estimate
    package let outputPerplexity: Estimate
  }

  package let tool: String
  package let checkpoint: Model
  package let output: Model
  package let mode: Mode
  package let tokens: Tokens
  /// In ascending order.
  package let layers: [Layer]
  /// Nil where only some layers were run.
  package let result: Result?

  /// The layer with the largest error of its own.
  package var worstLayer: Layer? {
    layers.max { ($0.ownRelativeError, $1.layer) < ($1.ownRelativeError, $0.layer) }
  }
}
