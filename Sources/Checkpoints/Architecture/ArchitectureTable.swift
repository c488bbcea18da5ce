import QuernContainers
import QuernFormats

/// One model family, as `formats/architectures/*.json` describes it.
///
/// The tables are data that ship with the binary: a malformed one is our own mistake, found by the
/// tests that load every table, not an input error.
package struct ArchitectureTable: Sendable {
  /// The `general.architecture` of GGUF.
  package let architecture: String
  package let classes: [String]
  package let modelTypes: [String]
  /// A prefix that source names may carry (`model.`).
  package let optionalPrefix: String
  /// The prefix of names in a folder for Python runtimes.
  package let runtimePrefix: String
  package let parameters: [Parameter]
  package let groups: [Group]
  package let drops: [Drop]
  package let metadata: [Metadata]
  package let limits: [Limit]
  package let ropeScaling: [String]
  package let looksForSentencePiece: Bool

  /// The maps that parts of a table belong to: the tensors of a GGUF file, and those of a safetensors
  /// folder for Python runtimes.
  package enum MapKind: String, Sendable { case gguf, runtime }

  /// A value of config.json under its aliases.
  package struct Parameter: Sendable {
    package enum Kind: String, Sendable { case integer, real, bool, choice }
    package let name: String
    package let kind: Kind
    /// Paths with dots for nested keys, the first one present wins.
    package let keys: [String]
    /// The texts that the config may have, and the numbers they stand for.
    package let choices: [String: Int]
    package let minimum: Int?
    package let above: Double?
    package let defaultValue: Expression?
    /// What null means, where that is not the default.
    package let nullValue: Expression?
    /// The key to blame when the default cannot be computed.
    package let because: String?
  }

  /// Tensors that repeat once per layer, or stand alone.
  package struct Group: Sendable {
    /// The map it belongs to; nil for both.
    package let map: MapKind?
    package let source: String
    package let gguf: String
    package let count: Expression?
    package let condition: Expression?
    package let isDraft: Bool
    /// Modules that the runtime stacks over all layers of the group: source names and, from the root,
    /// the name of what they become.
    package let fusedAcross: [String: String]
    package let tensors: [Tensor]
  }

  /// One output tensor and what it is made of.
  package struct Tensor: Sendable {
    /// The map it belongs to; nil for both.
    package let map: MapKind?
    package let gguf: String
    package let role: String
    /// Outermost dimension first.
    package let shape: [Expression]
    /// The names in every dialect, the usual one first, relative to the group's prefix.
    package let names: [String]
    package let condition: Expression?
    package let isOptional: Bool
    package let isInteger: Bool
    package let permuteHeads: Expression?
    package let heads: Heads?
    package let stack: Expression?
    package let fused: Fused?
    package let concatenate: [[String]]
    package let derivation: String?
    package let runtime: Runtime?
    /// With the names of norms behind the group's prefix.
    package let rotation: RuntimeRotation?
  }

  /// What Python runtimes do with a tensor.
  package struct Runtime: Sendable {
    /// Nil for what is no linear module.
    package let module: RuntimeModule.Kind?
    package let split: RuntimeModule.Split
    /// The module that it is loaded into together with others, behind the group's prefix.
    package let fused: String?
    package let floatReason: String?
    /// True where the name stands without the table's prefix.
    package let isBare: Bool
    /// Names, from the root, of the source that it repeats where the checkpoint lacks it.
    package let copies: [String]
  }

  /// One tensor that holds the rows of all experts, perhaps of two matrices.
  package struct Fused: Sendable {
    package let names: [String]
    /// Rows of one expert in the fused tensor.
    package let rows: Expression
    /// The first of them that is ours.
    package let first: Expression
  }

  /// Some rows of every head of a source that holds all heads, each head a matrix of its own.
  package struct Heads: Sendable {
    /// Rows of one head in the source.
    package let rows: Expression
    /// The first of them that is ours.
    package let first: Expression
    /// Whether rows and columns of each head change places.
    package let isTransposed: Bool
  }

  /// What a GGUF file of the family cannot say, or the runtime does not do.
  package struct Limit: Sendable {
    package let condition: Expression
    /// The key of config.json that is to blame.
    package let field: String
    /// What is expected instead: the model is refused.
    package let expected: String?
    /// What the reader should know: the model is converted.
    package let warning: String?
  }

  /// Source tensors that the target has no use for, and why.
  package struct Drop: Sendable {
    /// The map that it is dropped from; nil for both.
    package let map: MapKind?
    package let patterns: [String]
    package let condition: Expression?
    package let reason: String
  }

  /// A GGUF key and where its value comes from.
  package struct Metadata: Sendable {
    package let key: String
    package let type: String
    package let value: String
    package let condition: Expression?
  }
}

extension ArchitectureTable {
  /// Every family Quern knows.
  package static let all: [ArchitectureTable] = Formats.architectures.compactMap {
    try? ArchitectureTable(parsing: $0)
  }
}
