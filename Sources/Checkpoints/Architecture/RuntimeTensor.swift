/// A tensor of a safetensors folder as a Python runtime loads it.
package struct RuntimeTensor: Hashable, Sendable {
  /// Name in the output folder; the weight of a module ends in `.weight`.
  package let name: String
  package let role: TensorRole
  /// Outermost dimension first.
  package let shape: [Int]
  /// Always `.copy`, perhaps of some rows of a source that holds several experts.
  package let expression: TensorExpression
  /// True for an index table, which no float format may replace.
  package let isInteger: Bool
  /// True for tensors of the draft stages.
  package let isDraft: Bool
  /// Nil for vectors, norms and embeddings, which are never quantized.
  package let module: RuntimeModule?
  /// Nil for what a rotation leaves as it is, and where no table knows the model.
  package var rotation: RuntimeRotation?
}

/// How the runtime builds the linear module that a weight belongs to.
package struct RuntimeModule: Hashable, Sendable {
  package enum Kind: String, Sendable { case linear, expert }

  /// Which dimension of the weight tensor parallelism cuts.
  package enum Split: String, Sendable {
    case none
    /// Column parallel: each rank has a run of the out features.
    case rows
    /// Row parallel: each rank has a run of the in features, and partial products are summed.
    case columns
  }

  package let kind: Kind
  package let split: Split
  /// A key shared by the members that the runtime loads into one parameter or builds with one scheme:
  /// they need one type. `layers.3.ffn.experts`, `model.layers.0.self_attn.qkv_proj`.
  package let fusedWith: String?
  /// Why the weight must stay float on A2 and A3, in the runtime's terms; nil where it may be
  /// quantized.
  package let floatReason: String?
}
