import QuernContainers
import QuernTensors

extension RuntimeMap {
  /// The map of a folder whose architecture no table knows: every tensor under its own name.
  ///
  /// What may be quantized follows from names and shapes alone: float matrices named `….weight` whose
  /// path has no part that `ModelFreeRule` excludes. How a runtime splits such a module is unknown, so
  /// that `split` is `.none` everywhere.
  package static func withoutTable(_ checkpoint: Checkpoint) -> RuntimeMap {
    let tensors = checkpoint.tensors.enumerated().map { index, source in
      let rule = ModelFreeRule(source)
      return RuntimeTensor(
        name: source.name.text, role: rule.role, shape: source.shape.dimensions,
        expression: .copy(
          SourceRows(tensor: index, firstRow: 0, rowCount: source.shape.rowCount)),
        isInteger: !source.encoding.isFloatingPoint, isDraft: false, module: rule.module)
    }
    return RuntimeMap(tensors: tensors, dropped: [])
  }
}

/// What the name and the shape of a tensor tell where no table knows the model.
struct ModelFreeRule {
  let role: TensorRole
  let module: RuntimeModule?

  /// Members of modules that vLLM loads as one.
  private static let fusions: [Substring: String] = [
    "q_proj": "qkv_proj", "k_proj": "qkv_proj", "v_proj": "qkv_proj",
    "gate_proj": "gate_up_proj", "up_proj": "gate_up_proj",
  ]

  init(_ tensor: SourceTensor) {
    let parts = tensor.name.text.split(separator: ".", omittingEmptySubsequences: false)
    let isMatrix = tensor.shape.dimensions.count == 2 && parts.count > 1 && parts.last == "weight"
    let isExpert = Self.expertPosition(in: parts) != nil
    role = Self.role(of: parts, isMatrix: isMatrix, isExpert: isExpert)
    let isQuantizable = [.attention, .feedForward, .routedExpert].contains(role)
    guard isMatrix, isQuantizable, tensor.encoding.isFloatingPoint else {
      module = nil
      return
    }
    module = RuntimeModule(
      kind: isExpert ? .expert : .linear, split: .none, fusedWith: Self.fusion(of: parts),
      floatReason: nil)
  }

  /// Where a path names one of several experts: `experts`, and a number behind it.
  private static func expertPosition(in parts: [Substring]) -> Int? {
    parts.indices.dropLast().first { parts[$0] == "experts" && Int(parts[$0 + 1]) != nil }
  }

  /// Embeddings and heads first, then norms, then routers: a part of the path decides.
  private static func role(of parts: [Substring], isMatrix: Bool, isExpert: Bool) -> TensorRole {
    let path = parts.map { $0.lowercased() }
    if path.contains(where: { $0.contains("embed") || $0 == "wte" || $0 == "wpe" }) {
      return .embedding
    }
    if path.contains(where: { $0 == "head" || $0.hasSuffix("_head") }) { return .output }
    if path.contains(where: { $0.contains("norm") || $0.hasPrefix("ln_") }) { return .norm }
    let module = path.dropLast().last ?? ""
    if module == "gate" || module.hasSuffix("_gate") || module.contains("router") {
      return .router
    }
    if path.last == "bias" { return .bias }
    if isExpert { return .routedExpert }
    let isAttention = path.dropLast().contains { $0.contains("attn") || $0.contains("attention") }
    return isAttention ? .attention : isMatrix ? .feedForward : .norm
  }

  private static func fusion(of parts: [Substring]) -> String? {
    if let position = expertPosition(in: parts) {
      return parts[...position].joined(separator: ".")
    }
    let parent = parts.dropLast(2)
    guard let module = parts.dropLast().last, let fused = fusions[module] else { return nil }
    return (parent + [Substring(fused)]).joined(separator: ".")
  }
}
