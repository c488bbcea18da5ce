import QuernContainers
import QuernTensors

/// What `quant_model_description.json`, `config.json` and the indices of a folder for vllm-ascend say.
struct AscendTexts {
  private(set) var types: [TensorName: String] = [:]
  private(set) var failures: [VerificationReport.Failure] = []
  private(set) var warnings: [String] = []

  /// Keys that are no tensors.
  private static let globals: Set<String> = [
    "version", "model_quant_type", "group_size", "metadata", "optional", "kv_cache_type",
    "kv_quant_type", "fa_quant_type", "indexer_quant_type", "ascend_quant_method",
    "reduce_quant_type", "is_rot_used",
  ]

  init(_ texts: inout RuntimeTexts, shards: RuntimeShards) throws(VerificationError) {
    if let description = try texts.members(of: AscendNames.description) { read(description) }
    if let config = try texts.members(of: "config.json") { check(config) }
    if texts.contains(AscendNames.index), let index = try texts.members(of: AscendNames.index) {
      checkIndex(index, shards)
    }
    if texts.contains(AscendNames.filteringIndex) {
      fail(
        AscendNames.filteringIndex, "file", found: "an index of this name",
        expected: "none: vLLM would read no shards but those it lists")
    }
  }

  private mutating func read(_ description: JSONObject) {
    if description["version"]?.string != "1.0.0" {
      fail(
        AscendNames.description, "version", found: Self.text(description["version"]),
        expected: "\"1.0.0\": releases read it to know that int4 is packed")
    }
    if description["group_size"]?.integer != 0 {
      fail(
        AscendNames.description, "group_size", found: Self.text(description["group_size"]),
        expected: "0: releases take a missing one for 256, and later ones refuse others")
    }
    for (key, value) in description.members where !Self.globals.contains(key) {
      if key.hasSuffix(".quant_type") { continue }
      if key.contains("norm.bias") {
        fail(
          AscendNames.description, "type", tensor: key, found: Self.text(value),
          expected: "no entry: every norm of the runtime would get a bias")
      }
      guard let type = value.string else {
        fail(
          AscendNames.description, "type", tensor: key, found: Self.text(value),
          expected: "the name of a type")
        continue
      }
      types[TensorName(key)] = type
    }
  }

  /// A method in the configuration would be taken instead of the description.
  private mutating func check(_ config: JSONObject) {
    for (prefix, object) in [("", config), ("text_config.", config["text_config"]?.object)] {
      guard let value = object?["quantization_config"], !value.isNull else { continue }
      if value.object?["quant_method"]?.string == "ascend" {
        warnings.append("config.json: \(prefix)quantization_config names the method ascend")
        continue
      }
      fail(
        "config.json", prefix + "quantization_config", found: Self.text(value),
        expected: "no such key: vLLM would take that method")
    }
  }

  private mutating func checkIndex(_ index: JSONObject, _ shards: RuntimeShards) {
    guard let map = index["weight_map"]?.object else {
      return fail(
        AscendNames.index, "weight_map", found: Self.text(index["weight_map"]),
        expected: "an object")
    }
    var listed: Set<TensorName> = []
    for (name, file) in map.members {
      listed.insert(TensorName(name))
      if let found = shards.file(of: name), found != file.string {
        fail(
          AscendNames.index, "weight_map", tensor: name, found: Self.text(file),
          expected: found)
      } else if shards[name] == nil {
        fail(
          AscendNames.index, "weight_map", tensor: name, found: Self.text(file),
          expected: "no entry: there is no such tensor")
      }
    }
    for name in shards.entries.keys.sorted() where !listed.contains(name) {
      fail(
        AscendNames.index, "weight_map", tensor: name.text, found: "no entry",
        expected: shards.file(of: name.text) ?? "")
    }
  }

  private static func text(_ value: JSONValue?) -> String { value?.summary ?? "nothing" }

  private mutating func fail(
    _ file: String, _ what: String, tensor: String? = nil, found: String, expected: String
  ) {
    failures.append(
      .init(file: file, tensor: tensor, what: what, found: found, expected: expected))
  }
}
