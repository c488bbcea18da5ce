import QuernContainers
import QuernQuantization

/// What `quantization_config` of a compressed-tensors checkpoint says of its weights.
///
/// Keys that say nothing of weights and what they are multiplied with (targets, ignore) are left to the
/// runtime: which tensors are quantized shows in the tensors.
struct CompressedTensorsConfig {
  /// How the weights of one group of layers are quantized.
  struct Scheme: Hashable {
    enum Strategy: String { case tensor, channel, group }

    /// Its key among the groups, for messages.
    let name: String
    let bits: IntegerGroupLayout.CodeBits
    let strategy: Strategy
    let groupElements: Int?
    let isSymmetric: Bool
    let activations: SourceActivations
  }

  let path: String
  let schemes: [Scheme]

  private static let field = "quantization_config"
  /// Formats of integers, and those that leave it to the groups.
  private static let formats: Set<String> = [
    "int-quantized", "pack-quantized", "naive-quantized", "mixed-precision", "dense",
  ]

  /// - Throws: `InputProblem` for what would be read wrongly: other formats, floats, sparsity, bits
  ///   that are not 4 or 8, blocks.
  init(_ config: ModelConfig) throws(InputProblem) {
    path = config.path
    guard let quantization = config.json[Self.field]?.object else {
      throw InputProblem(
        file: path, field: Self.field, found: "no such key", expected: "an object")
    }
    try Self.checkFormat(quantization["format"], path, Self.field + ".format")
    if let sparsity = quantization["sparsity_config"]?.object,
      let format = sparsity["format"]?.string, format != "dense"
    {
      throw InputProblem(
        file: path, field: Self.field + ".sparsity_config.format", found: "\"\(format)\"",
        expected: "no sparsity")
    }
    if let transform = quantization["transform_config"]?.object, !transform.members.isEmpty {
      throw InputProblem(
        file: path, field: Self.field + ".transform_config",
        found: "an object of \(transform.members.count) "
          + (transform.members.count == 1 ? "key" : "keys"),
        expected: "none: transformed weights are others than the model's")
    }
    let field = Self.field + ".config_groups"
    guard let groups = quantization["config_groups"]?.object else {
      throw InputProblem(
        file: path, field: field,
        found: quantization["config_groups"]?.summary ?? "no such key", expected: "an object")
    }
    var schemes: [Scheme] = []
    for (name, group) in groups.members {
      if let scheme = try Self.scheme(name, group, path, field + "." + name) {
        schemes.append(scheme)
      }
    }
    self.schemes = schemes
  }

  private static func checkFormat(_ value: JSONValue?, _ path: String, _ field: String)
    throws(InputProblem)
  {
    guard let value, !value.isNull else { return }
    guard let format = value.string, formats.contains(format) else {
      throw InputProblem(
        file: path, field: field, found: value.summary,
        expected: "\"int-quantized\" or \"pack-quantized\": other formats cannot be read")
    }
  }

  private static func scheme(_ name: String, _ value: JSONValue, _ path: String, _ field: String)
    throws(InputProblem) -> Scheme?
  {
    guard let group = value.object else {
      throw InputProblem(
        file: path, field: field, found: value.summary, expected: "an object with weights")
    }
    try checkFormat(group["format"], path, field + ".format")
    guard let value = group["weights"], !value.isNull else { return nil }
    guard let weights = value.object else {
      throw InputProblem(
        file: path, field: field + ".weights", found: value.summary, expected: "an object")
    }
    let reader = Reader(json: weights, path: path, field: field + ".weights")
    return try reader.scheme(named: name, activations(group["input_activations"]))
  }

  /// What is no integer with a scale for each token is left to whoever multiplies: the weights can be
  /// read all the same.
  private static func activations(_ value: JSONValue?) -> SourceActivations {
    guard let value, !value.isNull else { return .floats }
    guard let json = value.object else { return .other(value.summary) }
    if let type = json["type"], !type.isNull, type.string != "int" {
      return .other("activations of type \(type.summary)")
    }
    if let strategy = json["strategy"], !strategy.isNull, strategy.string != "token" {
      return .other("activations with a scale for each \(strategy.summary)")
    }
    guard json["dynamic"]?.bool == true else { return .other("activations with fixed scales") }
    if json["symmetric"]?.bool == false { return .other("activations with zero points") }
    let number = json["num_bits"].map { $0.integer ?? 0 } ?? 8
    guard let bits = IntegerGroupLayout.CodeBits(rawValue: number) else {
      return .other("activations of \(number) bits")
    }
    return .dynamic(bits)
  }

  /// Reads the arguments of a weight; absent ones have the library's defaults.
  private struct Reader {
    let json: JSONObject
    let path: String
    let field: String

    private func problem(_ key: String, expected: String) -> InputProblem {
      InputProblem(
        file: path, field: field + "." + key, found: json[key]?.summary ?? "no such key",
        expected: expected)
    }

    func scheme(named name: String, _ activations: SourceActivations) throws(InputProblem) -> Scheme
    {
      if let type = json["type"], !type.isNull, type.string != "int" {
        throw problem("type", expected: "\"int\": floats cannot be read")
      }
      let number = json["num_bits"].map { $0.integer ?? 0 } ?? 8
      guard let bits = IntegerGroupLayout.CodeBits(rawValue: number) else {
        throw problem("num_bits", expected: "4 or 8")
      }
      let groupElements = try groupElements()
      let isSymmetric = json["symmetric"].map { $0.bool ?? false } ?? true
      return Scheme(
        name: name, bits: bits, strategy: try strategy(groupElements),
        groupElements: groupElements, isSymmetric: isSymmetric, activations: activations)
    }

    /// −1 stands for a whole row.
    private func groupElements() throws(InputProblem) -> Int? {
      guard let value = json["group_size"], !value.isNull, value.integer != -1 else { return nil }
      guard let elements = value.integer, (1...1 << 30).contains(elements) else {
        throw problem("group_size", expected: "a positive integer or null")
      }
      return elements
    }

    private func strategy(_ groupElements: Int?) throws(InputProblem) -> Scheme.Strategy {
      guard let value = json["strategy"], !value.isNull else {
        return groupElements != nil
          ? .group : json["group_size"]?.integer == -1 ? .channel : .tensor
      }
      guard let strategy = value.string.flatMap(Scheme.Strategy.init) else {
        throw problem("strategy", expected: "\"tensor\", \"channel\" or \"group\"")
      }
      if strategy == .group, groupElements == nil {
        throw problem("group_size", expected: "a positive integer: the strategy is group")
      }
      return strategy
    }
  }
}
