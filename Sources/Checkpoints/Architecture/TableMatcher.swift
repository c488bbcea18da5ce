import QuernContainers
import QuernTensors

/// One entry of an architecture table, expanded for one layer of one model.
struct TableEntry {
  let tensor: ArchitectureTable.Tensor
  /// What stands before source names.
  let source: String
  /// What stands before the name in GGUF.
  let gguf: String
  let isDraft: Bool
  /// What the runtime stacks it into with the same tensor of the group's other layers.
  let fusedAcross: String?
  let bindings: Bindings
  /// Outermost dimension first.
  let shape: [Int]
}

/// A table and the names of one checkpoint: what the map of every target starts from.
struct TableMatcher {
  let checkpoint: Checkpoint
  let table: ArchitectureTable
  let parameters: ModelParameters
  private let indexOfName: [TensorName: Int]
  private let writesPrefix: Bool

  init(checkpoint: Checkpoint, parameters: ModelParameters) throws(InputProblem) {
    self.checkpoint = checkpoint
    self.parameters = parameters
    table = parameters.table
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

  var configFile: String { checkpoint.config?.path ?? checkpoint.folder }
}

// MARK: - Expanding the table

extension TableMatcher {
  /// Calls `body` with every entry that the model has in this kind of map, in the table's order.
  func forEachEntry(
    of kind: ArchitectureTable.MapKind, _ body: (TableEntry) throws(InputProblem) -> Void
  ) throws(InputProblem) {
    for group in table.groups where group.map == nil || group.map == kind {
      if group.isDraft, parameters.bindings.integers["keep_draft"] != 1 { continue }
      for layer in try layers(of: group) {
        try expand(group, layer: layer, kind: kind, body)
      }
    }
  }

  /// The numbers of a group's layers; nil alone for a group that stands once.
  private func layers(of group: ArchitectureTable.Group) throws(InputProblem) -> [Int?] {
    guard let formula = group.count else { return [nil] }
    let count = try evaluate(formula, in: parameters.bindings)
    // No layer is without tensors, so that a config of a billion layers fails here, at once.
    guard count <= checkpoint.tensors.count else {
      throw InputProblem(
        file: configFile, field: "num_hidden_layers", found: "\(count)",
        expected: "at most one layer for each of the \(checkpoint.tensors.count) tensors")
    }
    return (0..<max(count, 0)).map { $0 }
  }

  private func expand(
    _ group: ArchitectureTable.Group, layer: Int?, kind: ArchitectureTable.MapKind,
    _ body: (TableEntry) throws(InputProblem) -> Void
  ) throws(InputProblem) {
    let index = (layer ?? 0) + (group.isDraft ? parameters.bindings.integers["layers"] ?? 0 : 0)
    let bindings = layer == nil ? parameters.bindings : bindings(ofLayer: index, group)
    if let condition = group.condition, try evaluate(condition, in: bindings) == 0 { return }
    let numbered = { (text: String) -> String in
      guard let layer else { return text }
      return text.replacing("{layer}", with: "\(layer)").replacing("{index}", with: "\(index)")
    }
    let source = numbered(group.source)
    let gguf = numbered(group.gguf)
    for tensor in group.tensors where tensor.map == nil || tensor.map == kind {
      if let condition = tensor.condition, try evaluate(condition, in: bindings) == 0 { continue }
      var shape: [Int] = []
      for formula in tensor.shape { shape.append(try evaluate(formula, in: bindings)) }
      try body(
        TableEntry(
          tensor: tensor, source: source, gguf: gguf, isDraft: group.isDraft,
          fusedAcross: tensor.names.first.flatMap { group.fusedAcross[$0] }, bindings: bindings,
          shape: shape))
    }
  }

  private func bindings(ofLayer index: Int, _ group: ArchitectureTable.Group) -> Bindings {
    var bindings = parameters.bindings
    bindings.integers["index"] = index
    if let ratios = bindings.arrays["compress_ratios"] {
      // A draft stage that the config does not list attends without compression.
      if ratios.indices.contains(index) {
        bindings.integers["ratio"] = ratios[index]
      } else if group.isDraft {
        bindings.integers["ratio"] = 0
      }
    }
    return bindings
  }

  func evaluate(_ formula: Expression, in bindings: Bindings) throws(InputProblem) -> Int {
    do throws(Expression.Failure) {
      return try formula.value(in: bindings)
    } catch {
      throw InputProblem(
        file: configFile, field: "\(table.architecture) table", found: "\(error)",
        expected: "dimensions that follow from the config")
    }
  }
}

// MARK: - Finding sources

extension TableMatcher {
  /// The one source of an entry; nil when it is absent and may be.
  func single(_ entry: TableEntry) throws(InputProblem) -> SourceRows? {
    let names = entry.tensor.names.map { entry.source + $0 }
    guard let tensor = find(names) else {
      if entry.tensor.isOptional { return nil }
      throw missing(names)
    }
    return try rows(of: tensor, entry)
  }

  /// The source under a name that stands outside of the entry's layer.
  func copy(for entry: TableEntry, of names: [String]) throws(InputProblem) -> SourceRows {
    guard let tensor = find(names) else { throw missing(names) }
    return try rows(of: tensor, entry)
  }

  private func rows(of tensor: Int, _ entry: TableEntry) throws(InputProblem) -> SourceRows {
    try check(tensor, shape: entry.shape, isInteger: entry.tensor.isInteger)
    return allRows(of: tensor)
  }

  /// Single experts, or all of them in one tensor of which each expert has a run of rows.
  func experts(of entry: TableEntry) throws(InputProblem) -> [SourceRows] {
    let shape = entry.shape
    let count = shape[0]
    if let fused = entry.tensor.fused, let tensor = find(fused.names.map { entry.source + $0 }) {
      let rows = try evaluate(fused.rows, in: entry.bindings)
      let first = try evaluate(fused.first, in: entry.bindings)
      try check(tensor, shape: [count, rows, shape[2]], isInteger: false)
      return (0..<count).map {
        SourceRows(tensor: tensor, firstRow: $0 * rows + first, rowCount: shape[1])
      }
    }
    guard count <= checkpoint.tensors.count else {
      throw InputProblem(
        file: configFile, field: "n_routed_experts", found: "\(count)",
        expected: "at most one expert for each tensor")
    }
    var parts: [SourceRows] = []
    for expert in 0..<count {
      let names = entry.tensor.names.map {
        entry.source + $0.replacing("{expert}", with: "\(expert)")
      }
      guard let tensor = find(names) else { throw missing(names) }
      try check(tensor, shape: Array(shape.dropFirst()), isInteger: false)
      parts.append(allRows(of: tensor))
    }
    return parts
  }

  /// The sources that GGUF joins along columns, each of the same shape.
  func columnParts(of entry: TableEntry) throws(InputProblem) -> [SourceRows] {
    var parts: [SourceRows] = []
    let shape = entry.columnPartShape
    for alternatives in entry.tensor.concatenate {
      let names = alternatives.map { entry.source + $0 }
      guard let tensor = find(names) else { throw missing(names) }
      try check(tensor, shape: shape, isInteger: false)
      parts.append(allRows(of: tensor))
    }
    return parts
  }

  func find(_ names: [String]) -> Int? {
    for name in names { if let index = indexOfName[TensorName(name)] { return index } }
    return nil
  }

  private func allRows(of tensor: Int) -> SourceRows {
    SourceRows(
      tensor: tensor, firstRow: 0, rowCount: checkpoint.tensors[tensor].shape.rowCount)
  }

  func missing(_ names: [String]) -> InputProblem {
    InputProblem(
      file: checkpoint.folder, tensor: names.first.map { spelled($0).text },
      found: "no such tensor",
      expected: "every tensor of a \(table.architecture) model")
  }

  func check(_ index: Int, shape: [Int], isInteger: Bool) throws(InputProblem) {
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
        expected: isInteger ? "I64 or I32" : "F32, F16, BF16, FP8, FP4 or integers with scales")
    }
  }
}

extension TableEntry {
  /// Shape of each of the sources that GGUF joins along columns.
  var columnPartShape: [Int] { [shape[0], shape[1] / max(tensor.concatenate.count, 1)] }
}

// MARK: - What is left

extension TableMatcher {
  /// Sources that no output needs, with the table's reason; an unknown one is an error.
  func dropRest(
    of kind: ArchitectureTable.MapKind, isConsumed: [Bool]
  ) throws(InputProblem) -> [TensorMap.Dropped] {
    var dropped: [TensorMap.Dropped] = []
    var unknown: [TensorName] = []
    for (index, tensor) in checkpoint.tensors.enumerated() where !isConsumed[index] {
      let bare = Self.bare(tensor.name, prefix: table.optionalPrefix)
      if let reason = try reason(toDrop: bare, from: kind) {
        dropped.append(.init(name: tensor.name, reason: reason, byteCount: tensor.byteCount))
      } else {
        unknown.append(tensor.name)
      }
    }
    guard let first = unknown.min() else { return dropped }
    let layers = parameters.bindings.integers["layers"] ?? 0
    throw InputProblem(
      file: configFile, tensor: first,
      found: unknown.count == 1
        ? "a tensor that nothing needs"
        : "a tensor that nothing needs (and \(unknown.count - 1) more)",
      expected: "tensors of a \(table.architecture) model of \(layers) layers")
  }

  private func reason(
    toDrop bare: String, from kind: ArchitectureTable.MapKind
  ) throws(InputProblem) -> String? {
    for drop in table.drops where drop.map == nil || drop.map == kind {
      guard drop.patterns.contains(where: { matches(bare, pattern: $0) }) else { continue }
      if let condition = drop.condition, try evaluate(condition, in: parameters.bindings) == 0 {
        continue
      }
      return drop.reason
    }
    return nil
  }

  /// `{layer}` stands for a number, `{draft}` for one behind the model's layers, `**` at the end for
  /// anything.
  private func matches(_ name: String, pattern: String) -> Bool {
    var nameParts = name.split(separator: ".", omittingEmptySubsequences: false)[...]
    for part in pattern.split(separator: ".") {
      if part == "**" { return !nameParts.isEmpty }
      guard let next = nameParts.popFirst() else { return false }
      switch part {
      case "{layer}": guard Int(next) != nil else { return false }
      case "{draft}":
        guard let layer = Int(next), layer >= parameters.bindings.integers["layers"] ?? 0 else {
          return false
        }
      default: guard part == next else { return false }
      }
    }
    return nameParts.isEmpty
  }
}
