import QuernContainers
import QuernTensors

/// How DeepSeek-V4 compresses attention in each layer and which layers route by a hash table.
///
/// As released: `compress_ratios` (one entry per layer, then one per draft stage) and
/// `num_hash_layers`. As transformers 5 re-saves it: `layer_types` with `compress_rates`, and
/// `mlp_layer_types`.
struct DeepSeekV4Layers {
  let compressRatios: [Int]
  let hashLayerCount: Int?

  /// The ratios that the runtime's graph knows.
  private static let knownRatios: Set<Int> = [0, 4, 128]

  init(config: JSONObject, file: String) throws(InputProblem) {
    hashLayerCount = try Self.hashLayers(config, file: file)
    if let value = config["compress_ratios"], !value.isNull {
      compressRatios = try Self.ratios(value, file: file)
    } else {
      compressRatios = try Self.ratiosOfTypes(config, file: file)
    }
  }

  private static func ratios(_ value: JSONValue, file: String) throws(InputProblem) -> [Int] {
    var ratios: [Int] = []
    for element in value.array ?? [.null] {
      guard let ratio = element.integer, knownRatios.contains(ratio) else {
        throw InputProblem(
          file: file, field: "compress_ratios", found: element.summary,
          expected: "a list of 0, 4 and 128")
      }
      ratios.append(ratio)
    }
    return ratios
  }

  private static func ratiosOfTypes(_ config: JSONObject, file: String) throws(InputProblem)
    -> [Int]
  {
    guard let types = config["layer_types"]?.array else {
      throw InputProblem(
        file: file, field: "compress_ratios", found: "no such key",
        expected: "compress_ratios, or layer_types with compress_rates")
    }
    var ratios: [Int] = []
    for type in types {
      let name = type.string ?? ""
      let rate = name == "sliding_attention" ? 0 : config["compress_rates"]?.object?[name]?.integer
      guard let rate, knownRatios.contains(rate) else {
        throw InputProblem(
          file: file, field: "layer_types", found: type.summary,
          expected: "sliding_attention, or a type that compress_rates gives a rate of 4 or 128")
      }
      ratios.append(rate)
    }
    return ratios
  }

  /// Hash layers come first; a hash layer behind a scored one would be another architecture.
  private static func hashLayers(_ config: JSONObject, file: String) throws(InputProblem) -> Int? {
    guard let types = config["mlp_layer_types"]?.array else { return nil }
    if let other = types.first(where: { !["hash_moe", "moe"].contains($0.string) }) {
      throw InputProblem(
        file: file, field: "mlp_layer_types", found: other.summary, expected: "hash_moe or moe")
    }
    let isHash = types.map { $0.string == "hash_moe" }
    let count = isHash.count { $0 }
    guard isHash.prefix(count).allSatisfy({ $0 }) else {
      throw InputProblem(
        file: file, field: "mlp_layer_types", found: "a hash_moe layer behind a moe layer",
        expected: "the hash_moe layers first")
    }
    return count
  }
}

/// The draft stages (`mtp.N.`) that a checkpoint holds. Their number is read from the tensors: the
/// config's `num_nextn_predict_layers` is stale in some releases.
struct DraftStages {
  let count: Int
  /// DSpark's drafter has a main projection where the MTP layer has `e_proj` and `h_proj`.
  let isDSpark: Bool

  init(tensorNames: [TensorName], optionalPrefix: String) {
    var stages: Set<Int> = []
    var isDSpark = false
    for name in tensorNames {
      var text = Substring(name.text)
      if text.hasPrefix(optionalPrefix) { text = text.dropFirst(optionalPrefix.count) }
      guard text.hasPrefix("mtp.") else { continue }
      let rest = text.dropFirst(4)
      guard let stage = Int(rest.prefix { $0 != "." }) else { continue }
      stages.insert(stage)
      isDSpark = isDSpark || rest.contains(".main_proj.") || rest.contains(".markov_head.")
    }
    count = stages.count
    self.isDSpark = isDSpark
  }
}
