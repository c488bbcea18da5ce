import QuernContainers
import QuernTensors

/// Every tensor that a Python runtime (vLLM, vllm-ascend, transformers) loads from a safetensors
/// folder, under the family's usual names: experts one by one, heads in the checkpoint's order,
/// nothing derived, a tied head absent.
package struct RuntimeMap: Sendable {
  package let tensors: [RuntimeTensor]
  package let dropped: [TensorMap.Dropped]

  /// - Throws: `CheckpointError.problem` for a missing tensor, a wrong shape or encoding, and for
  ///   tensors that the table does not know.
  package init(checkpoint: Checkpoint, parameters: ModelParameters) throws(CheckpointError) {
    do throws(InputProblem) {
      var builder = RuntimeMapBuilder(
        matcher: try TableMatcher(checkpoint: checkpoint, parameters: parameters))
      try builder.addGroups()
      tensors = builder.tensors
      dropped = try builder.matcher.dropRest(of: .runtime, isConsumed: builder.isConsumed)
    } catch { throw .problem(error) }
  }

  init(tensors: [RuntimeTensor], dropped: [TensorMap.Dropped]) {
    self.tensors = tensors
    self.dropped = dropped
  }
}

/// Takes stacked and joined sources apart again.
private struct RuntimeMapBuilder {
  let matcher: TableMatcher
  private(set) var isConsumed: [Bool]
  private(set) var tensors: [RuntimeTensor] = []

  init(matcher: TableMatcher) {
    self.matcher = matcher
    isConsumed = Array(repeating: false, count: matcher.checkpoint.tensors.count)
  }

  mutating func addGroups() throws(InputProblem) {
    let matcher = matcher
    try matcher.forEachEntry(of: .runtime) { (entry) throws(InputProblem) in try add(entry) }
  }

  private mutating func add(_ entry: TableEntry) throws(InputProblem) {
    let module = module(of: entry)
    if !entry.tensor.concatenate.isEmpty {
      let names = entry.tensor.concatenate.compactMap(\.first)
      for (part, rows) in try matcher.columnParts(of: entry).enumerated() {
        append(names[part], entry, shape: entry.columnPartShape, rows, module, part: part)
      }
      return
    }
    // An entry without source names is GGUF's own.
    guard let name = entry.tensor.names.first else { return }
    if entry.tensor.stack != nil {
      for (expert, rows) in try matcher.experts(of: entry).enumerated() {
        append(
          name.replacing("{expert}", with: "\(expert)"), entry,
          shape: Array(entry.shape.dropFirst()), rows, module)
      }
    } else if let rows = try matcher.single(entry) {
      append(name, entry, shape: entry.shape, rows, module)
    } else if let copies = entry.tensor.runtime?.copies, !copies.isEmpty {
      let rows = try matcher.copy(for: entry, of: copies)
      append(name, entry, shape: entry.shape, rows, module)
    }
  }

  /// - Parameter part: which of the sources that GGUF joins it is.
  private mutating func append(
    _ name: String, _ entry: TableEntry, shape: [Int], _ rows: SourceRows,
    _ module: RuntimeModule?, part: Int? = nil
  ) {
    guard let role = TensorRole(rawValue: entry.tensor.role) else { return }
    isConsumed[rows.tensor] = true
    tensors.append(
      RuntimeTensor(
        name: prefix(of: entry) + name, role: role, shape: shape, expression: .copy(rows),
        isInteger: entry.tensor.isInteger, isDraft: entry.isDraft, module: module,
        rotation: rotation(of: entry, part: part)))
  }

  /// Joined sources have a norm each.
  private func rotation(of entry: TableEntry, part: Int?) -> RuntimeRotation? {
    guard case .turned(let columns, var gains, let rows) = entry.tensor.rotation else {
      return entry.tensor.rotation
    }
    if let part { gains = gains.indices.contains(part) ? [gains[part]] : [] }
    let prefix = matcher.table.runtimePrefix + entry.source
    return .turned(columns: columns, gains: gains.map { prefix + $0 }, rows: rows)
  }

  private func prefix(of entry: TableEntry) -> String {
    let isBare = entry.tensor.runtime?.isBare ?? false
    return (isBare ? "" : matcher.table.runtimePrefix) + entry.source
  }

  private func module(of entry: TableEntry) -> RuntimeModule? {
    guard let runtime = entry.tensor.runtime, let kind = runtime.module else { return nil }
    return RuntimeModule(
      kind: kind, split: runtime.split,
      fusedWith: entry.fusedAcross ?? runtime.fused.map { prefix(of: entry) + $0 },
      floatReason: runtime.floatReason)
  }
}
