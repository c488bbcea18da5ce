import QuernContainers
import QuernTensors

/// Every tensor of a GGUF file and the source tensors it is made of, each source consumed or dropped
/// for a reason; anything else is an error.
package struct TensorMap: Sendable {
  package struct Dropped: Equatable, Sendable {
    package let name: TensorName
    package let reason: String
    package let byteCount: Int
  }

  package let tensors: [MappedTensor]
  package let dropped: [Dropped]

  /// - Throws: `CheckpointError.problem` for a missing tensor, a wrong shape or encoding, and for
  ///   tensors that the table does not know.
  package init(checkpoint: Checkpoint, parameters: ModelParameters) throws(CheckpointError) {
    do throws(InputProblem) {
      var builder = TensorMapBuilder(
        matcher: try TableMatcher(checkpoint: checkpoint, parameters: parameters))
      try builder.addGroups()
      tensors = builder.tensors
      dropped = try builder.matcher.dropRest(of: .gguf, isConsumed: builder.isConsumed)
    } catch { throw .problem(error) }
  }
}

/// Stacks, joins and permutes sources into the tensors of a GGUF file.
private struct TensorMapBuilder {
  let matcher: TableMatcher
  private(set) var isConsumed: [Bool]
  private(set) var tensors: [MappedTensor] = []

  init(matcher: TableMatcher) {
    self.matcher = matcher
    isConsumed = Array(repeating: false, count: matcher.checkpoint.tensors.count)
  }

  mutating func addGroups() throws(InputProblem) {
    let matcher = matcher
    try matcher.forEachEntry(of: .gguf) { (entry) throws(InputProblem) in try add(entry) }
  }

  private mutating func add(_ entry: TableEntry) throws(InputProblem) {
    guard let expression = try expression(of: entry),
      let role = TensorRole(rawValue: entry.tensor.role)
    else { return }
    for rows in expression.sources { isConsumed[rows.tensor] = true }
    tensors.append(
      MappedTensor(
        name: entry.gguf + entry.tensor.gguf, role: role, shape: entry.shape,
        expression: expression, isInteger: entry.tensor.isInteger, isDraft: entry.isDraft))
  }

  private func expression(of entry: TableEntry) throws(InputProblem) -> TensorExpression? {
    if entry.tensor.derivation != nil { return derived(entry.bindings) }
    if !entry.tensor.concatenate.isEmpty {
      return .concatenateColumns(try matcher.columnParts(of: entry))
    }
    if entry.tensor.stack != nil { return .stack(try matcher.experts(of: entry)) }
    if let heads = entry.tensor.heads {
      let parts = try matcher.heads(heads, of: entry)
      return heads.isTransposed ? .transpose(parts) : .stack(parts)
    }
    guard let rows = try matcher.single(entry) else { return nil }
    guard let permutation = entry.tensor.permuteHeads else { return .copy(rows) }
    let headRows = try matcher.evaluate(permutation, in: entry.bindings)
    return .permuteHeads(rows, headRows: headRows)
  }

  private func derived(_ bindings: Bindings) -> TensorExpression {
    .values(
      matcher.parameters.ropeScaling.llama3Factors(
        theta: bindings.reals["rope_theta"] ?? 10000,
        headDimension: bindings.integers["head_dim"] ?? 0))
  }
}
