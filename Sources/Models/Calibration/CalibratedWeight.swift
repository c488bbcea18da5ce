import QuernCheckpoints

/// A weight whose inputs are added up.
package struct CalibratedWeight: Hashable, Sendable {
  package let name: String
  package let inputCount: Int
  /// Experts, or other matrices of a stack.
  package let partCount: Int
  package let isExperts: Bool
  /// Whether Σ x xᵀ is worth keeping: of what is never stored in few bits it is not.
  package let wantsHessian: Bool
  /// The weight that has the same inputs, and the statistics of both.
  package let owner: String?

  /// Parts with statistics of their own besides sums of squares. Experts choose their inputs from the
  /// same hidden states, so that what holds of all is what each of them would see with more tokens;
  /// hidden neurons of different experts have nothing in common.
  package var statisticsCount: Int { poolsParts ? 1 : partCount }

  package var poolsParts: Bool { isExperts && !name.contains("ffn_down") }

  /// Widths of the blocks of Σ x xᵀ.
  package func hessianWidths(_ block: Int) -> [Int] {
    stride(from: 0, to: inputCount, by: block).map { min(block, inputCount - $0) }
  }
}

extension CalibratedWeight {
  /// Weights that take the inputs of another one, by their names in a layer. Of several owners the
  /// first that the model has counts.
  private static let sharing: [String: [String]] = [
    "attn_k.weight": ["attn_q.weight"], "attn_v.weight": ["attn_q.weight"],
    "attn_kv.weight": ["attn_q_a.weight"],
    "attn_kv_a_mqa.weight": ["attn_q_a.weight", "attn_q.weight"],
    "ffn_up.weight": ["ffn_gate.weight"],
    "ffn_up_shexp.weight": ["ffn_gate_shexp.weight"],
    "ffn_up_exps.weight": ["ffn_gate_exps.weight"],
  ]

  private static let rolesWithoutHessian: Set<TensorRole> = [
    .router, .hyperConnection, .attentionSink, .routingTable, .embedding,
  ]

  static let outputName = "output.weight"

  /// Nil for what no product reads: vectors, tables, embeddings, layers of a draft.
  init?(_ tensor: MappedTensor, in model: CanonicalModel, layerCount: Int, includesOutput: Bool) {
    guard (2...3).contains(tensor.shape.count), !tensor.isInteger, tensor.name.hasSuffix(".weight")
    else { return nil }
    let parts = tensor.name.split(separator: ".")
    var prefix = ""
    if parts.first == "blk", parts.count > 2, let layer = Int(parts[1]) {
      guard layer < layerCount else { return nil }
      prefix = "blk.\(layer)."
    } else if tensor.name != Self.outputName || !includesOutput {
      return nil
    }
    name = tensor.name
    inputCount = tensor.shape[tensor.shape.count - 1]
    partCount = tensor.shape.count == 3 ? tensor.shape[0] : 1
    isExperts = tensor.shape.count == 3 && tensor.role == .routedExpert
    wantsHessian = !Self.rolesWithoutHessian.contains(tensor.role)
    owner = Self.sharing[String(tensor.name.dropFirst(prefix.count))]?
      .map { prefix + $0 }.first { model.tensor($0) != nil }
  }
}
