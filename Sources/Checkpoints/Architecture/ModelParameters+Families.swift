import QuernContainers

extension ModelParameters {
  /// DeepSeek-V3's YaRN has two factors for the logarithm of the magnitude. GGUF holds a tenth of the
  /// one for all dimensions; llama.cpp takes the other one for the same (src/llama-context.cpp).
  static func addMagnitudes(to bindings: inout Bindings, config: JSONObject) {
    let scaling = config["rope_parameters"]?.object ?? config["rope_scaling"]?.object
    let all = scaling?["mscale_all_dim"]?.real
    if let all {
      bindings.reals["yarn_log_multiplier"] = 0.1 * all
      bindings.given.insert("yarn_log_multiplier")
    }
    let isYarn = (scaling?["rope_type"] ?? scaling?["type"])?.string == "yarn"
    let differs = isYarn && (all ?? 0) != (scaling?["mscale"]?.real ?? 0)
    bindings.integers["yarn_mscales_differ"] = differs ? 1 : 0
  }

  /// Which layers of a Qwen mixture have experts: every `decoder_sparse_step`th, but those of
  /// `mlp_only_layers` (transformers' configuration of both families).
  mutating func addSparseLayers(config: JSONObject, file: String, tensorCount: Int)
    throws(InputProblem)
  {
    guard table.architecture.hasSuffix("moe"), let layers = bindings.integers["layers"] else {
      return
    }
    var step = 1
    if let value = config["decoder_sparse_step"], !value.isNull {
      guard let number = value.integer, number > 0 else {
        throw InputProblem(
          file: file, field: "decoder_sparse_step", found: value.summary,
          expected: "an integer of at least 1")
      }
      step = number
    }
    var dense: Set<Int> = []
    for value in config["mlp_only_layers"]?.array ?? [] {
      guard let layer = value.integer else {
        throw InputProblem(
          file: file, field: "mlp_only_layers", found: value.summary,
          expected: "a list of layer numbers")
      }
      dense.insert(layer)
    }
    // More layers than tensors are refused by whoever expands the table.
    let sparse = (0..<min(layers, tensorCount)).map {
      ($0 + 1) % step == 0 && !dense.contains($0) ? 1 : 0
    }
    setSparseLayers(sparse)
  }
}
