import QuernContainers
import QuernTensors

/// The numbers of one model: an architecture table's parameters read from its config.json.
package struct ModelParameters: Sendable {
  package let table: ArchitectureTable
  package private(set) var bindings: Bindings
  package let ropeScaling: RopeScaling

  /// Reads every parameter of the table.
  ///
  /// - Throws: `InputProblem` naming the key, what was found and what was expected.
  package init(
    table: ArchitectureTable, config: JSONObject, file: String, tensorNames: [TensorName]
  ) throws(InputProblem) {
    self.table = table
    ropeScaling = try RopeScaling(config: config, allowed: table.ropeScaling, file: file)
    bindings = Bindings()
    try Self.addFamilyParameters(
      to: &bindings, table: table, config: config, file: file, tensorNames: tensorNames)
    for parameter in table.parameters {
      try Self.add(parameter, to: &bindings, config: config, file: file)
    }
    bindings.integers["keep_draft"] = 1
    bindings.integers["llama3_rope"] = ropeScaling.kind == .llama3 ? 1 : 0
    try completeLayers(config: config, file: file)
    try addSparseLayers(config: config, file: file, tensorCount: tensorNames.count)
    addWindows(config: config, tensorCount: tensorNames.count)
    try checkRotaryDimensions(file: file)
  }

  /// Whether draft stages are wanted in a file of their own.
  package mutating func keepDraft(_ keeps: Bool) { bindings.integers["keep_draft"] = keeps ? 1 : 0 }

  /// For each layer whether it has experts.
  mutating func setSparseLayers(_ layers: [Int]) {
    bindings.arrays["sparse_layers"] = layers
    bindings.integers["dense_layers"] = layers.count { $0 == 0 }
  }

  /// For each layer the tokens that a token sees, or 0 for all.
  mutating func setWindows(_ windows: [Int]) { bindings.arrays["windows"] = windows }

  private static func add(
    _ parameter: ArchitectureTable.Parameter, to bindings: inout Bindings, config: JSONObject,
    file: String
  ) throws(InputProblem) {
    let key = parameter.keys.first { config.value(atPath: $0) != nil && !config.isNull(atPath: $0) }
    guard let key, let value = config.value(atPath: key) else {
      return try addDefault(of: parameter, to: &bindings, config: config, file: file)
    }
    bindings.given.insert(parameter.name)
    switch parameter.kind {
    case .integer:
      guard let number = value.integer, number >= parameter.minimum ?? 0 else {
        throw InputProblem(
          file: file, field: key, found: value.summary,
          expected: "an integer of at least \(parameter.minimum ?? 0)")
      }
      bindings.integers[parameter.name] = number
    case .real:
      guard let number = value.real, number > parameter.above ?? -.infinity else {
        throw InputProblem(
          file: file, field: key, found: value.summary,
          expected: parameter.above.map { "a number above \($0)" } ?? "a number")
      }
      bindings.reals[parameter.name] = number
    case .bool:
      guard let flag = value.bool else {
        throw InputProblem(file: file, field: key, found: value.summary, expected: "true or false")
      }
      bindings.integers[parameter.name] = flag ? 1 : 0
    case .choice:
      guard let text = value.string, let number = parameter.choices[text] else {
        throw InputProblem(
          file: file, field: key, found: value.summary,
          expected: parameter.choices.keys.sorted().map { "\"\($0)\"" }.joined(separator: " or "))
      }
      bindings.integers[parameter.name] = number
    }
  }

  private static func addDefault(
    of parameter: ArchitectureTable.Parameter, to bindings: inout Bindings, config: JSONObject,
    file: String
  ) throws(InputProblem) {
    let key = parameter.keys.first ?? parameter.name
    let isNull = parameter.keys.contains { config.isNull(atPath: $0) }
    guard let formula = (isNull ? parameter.nullValue : nil) ?? parameter.defaultValue else {
      throw InputProblem(
        file: file, field: key, found: isNull ? "null" : "no such key", expected: "a value")
    }
    do throws(Expression.Failure) {
      let value = try formula.value(in: bindings)
      switch parameter.kind {
      case .real: bindings.reals[parameter.name] = Double(value)
      case .integer, .bool, .choice: bindings.integers[parameter.name] = value
      }
    } catch {
      let because = parameter.because ?? key
      throw InputProblem(
        file: file, field: because,
        found: config.value(atPath: because)?.summary ?? "no such key",
        expected: error.expectation(for: key))
    }
  }
}

extension ModelParameters {
  /// Values that no formula over single keys can give: DeepSeek-V4's per-layer ratios, hash layers and
  /// draft stages, in the released config and in the one transformers 5 writes.
  private static func addFamilyParameters(
    to bindings: inout Bindings, table: ArchitectureTable, config: JSONObject, file: String,
    tensorNames: [TensorName]
  ) throws(InputProblem) {
    if table.architecture == "deepseek2" {
      bindings.integers["stages"] = draftLayerCount(tensorNames)
      addMagnitudes(to: &bindings, config: config)
    }
    guard table.architecture == "deepseek4" else { return }
    let draft = DraftStages(tensorNames: tensorNames, optionalPrefix: table.optionalPrefix)
    bindings.integers["stages"] = draft.isDSpark ? 0 : draft.count
    bindings.integers["dspark"] = draft.isDSpark ? 1 : 0
    bindings.integers["dspark_stages"] = draft.isDSpark ? draft.count : 0
    bindings.integers["dspark_targets"] = config["dspark_target_layer_ids"]?.array?.count ?? 0
    let layout = try DeepSeekV4Layers(config: config, file: file)
    bindings.arrays["compress_ratios"] = layout.compressRatios
    if let count = layout.hashLayerCount { bindings.integers["hash_layers_of_types"] = count }
    if let head = config["head_dim"]?.integer,
      let factor = config["partial_rotary_factor"]?.real
        ?? config.value(atPath: "rope_parameters.main.partial_rotary_factor")?.real
    {
      bindings.integers["rotary_dimensions"] = Int(exactly: (Double(head) * factor).rounded()) ?? 0
    }
  }

  /// DeepSeek-V3's draft layers stand behind the others and have a projection of their own. Their
  /// number is read from the tensors: many copies of the model leave them out.
  private static func draftLayerCount(_ names: [TensorName]) -> Int {
    names.count { $0.text.hasSuffix(".eh_proj.weight") }
  }

  /// Rotary positions turn pairs of rows: an odd number has no permutation. The limit is far above any
  /// model's, and keeps a broken config from asking for a table of frequencies of any size.
  private func checkRotaryDimensions(file: String) throws(InputProblem) {
    var limit = 1 << 16
    for (name, key) in [("head_dim", "head_dim"), ("rope_dim", "qk_rope_head_dim")] {
      guard let dimension = bindings.integers[name] else { continue }
      guard (2...limit).contains(dimension), dimension % 2 == 0 else {
        throw InputProblem(
          file: file, field: key, found: "\(dimension)",
          expected: "an even number of dimensions from 2 to \(limit)")
      }
      // What is rotated is a part of the head.
      limit = dimension
    }
  }

  /// The draft stages count as further layers of ratio 0 where the config does not list them.
  private mutating func completeLayers(config: JSONObject, file: String) throws(InputProblem) {
    guard let layers = bindings.integers["layers"] else { return }
    let stages = bindings.integers["stages"] ?? 0
    bindings.integers["blocks"] = layers
    guard var ratios = bindings.arrays["compress_ratios"] else { return }
    guard ratios.count >= layers else {
      throw InputProblem(
        file: file, field: "compress_ratios", found: "\(ratios.count) entries",
        expected: "one for each of the \(layers) layers")
    }
    while ratios.count < layers + stages { ratios.append(0) }
    bindings.arrays["compress_ratios"] = ratios
  }
}

extension Expression.Failure {
  fileprivate func expectation(for key: String) -> String {
    switch self {
    case .notDivisible(let value, let divisor):
      "a divisor of \(value), not \(divisor): \(key) is absent and must follow from it"
    case .unknownName, .indexOutOfRange, .overflow, .syntax: "a value for \(key)"
    }
  }
}

extension JSONObject {
  /// The value at a path of keys joined by dots.
  package func value(atPath path: String) -> JSONValue? {
    var object = self
    let keys = path.split(separator: ".").map(String.init)
    for key in keys.dropLast() {
      guard let inner = object[key]?.object else { return nil }
      object = inner
    }
    return keys.last.flatMap { object[$0] }
  }

  package func isNull(atPath path: String) -> Bool { value(atPath: path)?.isNull ?? false }
}
