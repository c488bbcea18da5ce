import QuernContainers
import QuernTensors

/// Every tensor of a target and the source tensors it is made of, each source consumed or dropped for
/// a reason; anything else is an error.
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
      var builder = try TensorMapBuilder(checkpoint: checkpoint, parameters: parameters)
      try builder.addGroups()
      tensors = builder.tensors
      dropped = try builder.dropRest()
    } catch { throw .problem(error) }
  }
}

/// Matches a table against the names of a checkpoint.
struct TensorMapBuilder {
  private let checkpoint: Checkpoint
  private let table: ArchitectureTable
  private let parameters: ModelParameters
  private let indexOfName: [TensorName: Int]
  private let writesPrefix: Bool
  private var isConsumed: [Bool]
  private(set) var tensors: [MappedTensor] = []

  init(checkpoint: Checkpoint, parameters: ModelParameters) throws(InputProblem) {
    self.checkpoint = checkpoint
    self.parameters = parameters
    table = parameters.table
    isConsumed = Array(repeating: false, count: checkpoint.tensors.count)
    var indexOfName: [TensorName: Int] = [:]
    let prefix = table.optionalPrefix
    for (index, tensor) in checkpoint.tensors.enumerated() {
      let bare = TensorName(Self.bare(tensor.name, prefix: prefix))
      if let other = indexOfName.updateValue(index, forKey: bare) {
        throw InputProblem(
          file: checkpoint.files[tensor.codes.file].path, tensor: tensor.name,
          found: "the same tensor as \(checkpoint.tensors[other].name)", expected: "one of the two")
      }
    }
    self.indexOfName = indexOfName
    writesPrefix = checkpoint.tensors.contains { $0.name.text.hasPrefix(prefix) }
  }

  private static func bare(_ name: TensorName, prefix: String) -> String {
    name.text.hasPrefix(prefix) ? String(name.text.dropFirst(prefix.count)) : name.text
  }

  /// How this checkpoint would spell a name, for messages.
  private func spelled(_ bare: String) -> TensorName {
    TensorName((writesPrefix ? table.optionalPrefix : "") + bare)
  }

  private var hasDraft: Bool {
    parameters.bindings.integers["stages"] ?? 0 > 0
      && parameters.bindings.integers["keep_draft"] == 1
  }

  private func shapeFile() -> String { checkpoint.config?.path ?? checkpoint.folder }
}

// MARK: - Expanding the table

extension TensorMapBuilder {
  mutating func addGroups() throws(InputProblem) {
    for group in table.groups {
      guard let countFormula = group.count else {
        try add(group, layer: nil)
        continue
      }
      let count = try evaluate(countFormula, in: parameters.bindings)
      // No layer is without tensors, so that a config of a billion layers fails here, at once.
      guard count <= checkpoint.tensors.count else {
        throw InputProblem(
          file: shapeFile(), field: "num_hidden_layers", found: "\(count)",
          expected: "at most one layer for each of the \(checkpoint.tensors.count) tensors")
      }
      for layer in 0..<count { try add(group, layer: layer) }
    }
  }

  private mutating func add(_ group: ArchitectureTable.Group, layer: Int?) throws(InputProblem) {
    var bindings = parameters.bindings
    var index = 0
    if let layer {
      index = group.isDraft ? layer + (bindings.integers["layers"] ?? 0) : layer
      bindings.integers["index"] = index
      if let ratios = bindings.arrays["compress_ratios"], ratios.indices.contains(index) {
        bindings.integers["ratio"] = ratios[index]
      }
    }
    let expand = { (text: String) -> String in
      guard let layer else { return text }
      return text.replacing("{layer}", with: "\(layer)").replacing("{index}", with: "\(index)")
    }
    let source = expand(group.source)
    let gguf = expand(group.gguf)
    for entry in group.tensors {
      if let condition = entry.condition, try evaluate(condition, in: bindings) == 0 { continue }
      // Without draft stages their file does not exist, embedding and head included.
      if group.isDraft, !hasDraft { continue }
      try add(entry, source: source, gguf: gguf, isDraft: group.isDraft, bindings: bindings)
    }
  }

  private mutating func add(
    _ entry: ArchitectureTable.Tensor, source: String, gguf: String, isDraft: Bool,
    bindings: Bindings
  ) throws(InputProblem) {
    var shape: [Int] = []
    for formula in entry.shape { shape.append(try evaluate(formula, in: bindings)) }
    guard
      let expression = try expression(of: entry, source: source, shape: shape, bindings: bindings),
      let role = TensorRole(rawValue: entry.role)
    else { return }
    for rows in expression.sources { isConsumed[rows.tensor] = true }
    tensors.append(
      MappedTensor(
        name: gguf + entry.gguf, role: role, shape: shape, expression: expression,
        isInteger: entry.isInteger, isDraft: isDraft))
  }

  private func evaluate(_ formula: Expression, in bindings: Bindings) throws(InputProblem) -> Int {
    do throws(Expression.Failure) {
      return try formula.value(in: bindings)
    } catch {
      throw InputProblem(
        file: shapeFile(), field: "\(table.architecture) table", found: "\(error)",
        expected: "dimensions that follow from the config")
    }
  }
}

// MARK: - Finding sources

extension TensorMapBuilder {
  private func expression(
    of entry: ArchitectureTable.Tensor, source: String, shape: [Int], bindings: Bindings
  ) throws(InputProblem) -> TensorExpression? {
    if entry.derivation != nil { return derived(bindings) }
    if !entry.concatenate.isEmpty {
      return try concatenation(entry, source: source, shape: shape)
    }
    if let stack = entry.stack {
      return try self.stack(
        entry, count: try evaluate(stack, in: bindings), source: source, shape: shape,
        bindings: bindings)
    }
    let names = entry.names.map { source + $0 }
    guard let tensor = find(names) else {
      if entry.isOptional { return nil }
      throw missing(names)
    }
    try check(tensor, shape: shape, isInteger: entry.isInteger)
    let rows = allRows(of: tensor)
    guard let permutation = entry.permuteHeads else { return .copy(rows) }
    return .permuteHeads(rows, headRows: try evaluate(permutation, in: bindings))
  }

  private func derived(_ bindings: Bindings) -> TensorExpression {
    .values(
      parameters.ropeScaling.llama3Factors(
        theta: bindings.reals["rope_theta"] ?? 10000,
        headDimension: bindings.integers["head_dim"] ?? 0))
  }

  /// Single experts, or all of them in one tensor of which each expert has a run of rows.
  private func stack(
    _ entry: ArchitectureTable.Tensor, count: Int, source: String, shape: [Int], bindings: Bindings
  ) throws(InputProblem) -> TensorExpression {
    if let fused = entry.fused, let tensor = find(fused.names.map { source + $0 }) {
      let rows = try evaluate(fused.rows, in: bindings)
      let first = try evaluate(fused.first, in: bindings)
      try check(tensor, shape: [count, rows, shape[2]], isInteger: false)
      return .stack(
        (0..<count).map {
          SourceRows(tensor: tensor, firstRow: $0 * rows + first, rowCount: shape[1])
        })
    }
    guard count <= checkpoint.tensors.count else {
      throw InputProblem(
        file: shapeFile(), field: "n_routed_experts", found: "\(count)",
        expected: "at most one expert for each tensor")
    }
    var parts: [SourceRows] = []
    for expert in 0..<count {
      let names = entry.names.map { source + $0.replacing("{expert}", with: "\(expert)") }
      guard let tensor = find(names) else { throw missing(names) }
      try check(tensor, shape: Array(shape.dropFirst()), isInteger: false)
      parts.append(allRows(of: tensor))
    }
    return .stack(parts)
  }

  private func concatenation(
    _ entry: ArchitectureTable.Tensor, source: String, shape: [Int]
  ) throws(InputProblem) -> TensorExpression {
    var parts: [SourceRows] = []
    for alternatives in entry.concatenate {
      let names = alternatives.map { source + $0 }
      guard let tensor = find(names) else { throw missing(names) }
      try check(
        tensor, shape: [shape[0], shape[1] / entry.concatenate.count], isInteger: false)
      parts.append(allRows(of: tensor))
    }
    return .concatenateColumns(parts)
  }

  private func find(_ names: [String]) -> Int? {
    for name in names { if let index = indexOfName[TensorName(name)] { return index } }
    return nil
  }

  private func allRows(of tensor: Int) -> SourceRows {
    SourceRows(
      tensor: tensor, firstRow: 0, rowCount: checkpoint.tensors[tensor].shape.rowCount)
  }

  private func missing(_ names: [String]) -> InputProblem {
    InputProblem(
      file: checkpoint.folder, tensor: names.first.map { spelled($0).text },
      found: "no such tensor",
      expected: "every tensor of a \(table.architecture) model")
  }

  private func check(_ index: Int, shape: [Int], isInteger: Bool) throws(InputProblem) {
    let tensor = checkpoint.tensors[index]
    let file = checkpoint.files[tensor.codes.file].path
    guard tensor.shape.dimensions == shape else {
      throw InputProblem(
        file: file, tensor: tensor.name, field: "shape", found: "\(tensor.shape)",
        expected: "\(Shape(shape)), which follows from config.json")
    }
    let isExpectedType =
      isInteger
      ? tensor.encoding == .plain(.i64) || tensor.encoding == .plain(.i32)
      : tensor.encoding.isFloatingPoint
    guard isExpectedType else {
      throw InputProblem(
        file: file, tensor: tensor.name, field: "dtype", found: "\(tensor.encoding)",
        expected: isInteger ? "I64 or I32" : "F32, F16, BF16, FP8 or FP4")
    }
  }
}

// MARK: - What is left

extension TensorMapBuilder {
  /// Sources that no output needs, with the table's reason; an unknown one is an error.
  func dropRest() throws(InputProblem) -> [TensorMap.Dropped] {
    var dropped: [TensorMap.Dropped] = []
    var unknown: [TensorName] = []
    for (index, tensor) in checkpoint.tensors.enumerated() where !isConsumed[index] {
      let bare = Self.bare(tensor.name, prefix: table.optionalPrefix)
      if let reason = try reason(toDrop: bare) {
        dropped.append(.init(name: tensor.name, reason: reason, byteCount: tensor.byteCount))
      } else {
        unknown.append(tensor.name)
      }
    }
    guard let first = unknown.min() else { return dropped }
    let layers = parameters.bindings.integers["layers"] ?? 0
    throw InputProblem(
      file: shapeFile(), tensor: first,
      found: unknown.count == 1
        ? "a tensor that nothing needs"
        : "a tensor that nothing needs (and \(unknown.count - 1) more)",
      expected: "tensors of a \(table.architecture) model of \(layers) layers")
  }

  private func reason(toDrop bare: String) throws(InputProblem) -> String? {
    for drop in table.drops where drop.patterns.contains(where: { Self.matches(bare, pattern: $0) })
    {
      if let condition = drop.condition, try evaluate(condition, in: parameters.bindings) == 0 {
        continue
      }
      return drop.reason
    }
    return nil
  }

  /// `{layer}` stands for a number, `**` at the end for anything.
  private static func matches(_ name: String, pattern: String) -> Bool {
    var nameParts = name.split(separator: ".", omittingEmptySubsequences: false)[...]
    for part in pattern.split(separator: ".") {
      if part == "**" { return !nameParts.isEmpty }
      guard let next = nameParts.popFirst() else { return false }
      guard part == "{layer}" ? Int(next) != nil : part == next else { return false }
    }
    return nameParts.isEmpty
  }
}
