import QuernContainers

extension ModelParameters {
  /// Which layers let a token see the last `sliding_window` tokens only, as transformers' configurations
  /// of these families decide: `layer_types` where it is given, else
  ///
  ///     Mixtral, Qwen3-MoE    all layers
  ///     Qwen2, Qwen3          those from `max_window_layers` on
  ///     Qwen2-MoE             the even ones before `max_window_layers`
  ///
  /// and of the Qwen families none without `use_sliding_window`.
  mutating func addWindows(config: JSONObject, tensorCount: Int) {
    guard let layers = bindings.integers["layers"], let window = bindings.integers["window"],
      window > 0, bindings.integers["windowed"] != 0
    else { return }
    let types = config["layer_types"]?.array
    let isEveryLayer = ["llama", "qwen3moe"].contains(table.architecture)
    let full = bindings.integers["full_layers"] ?? 0
    let isBefore = table.architecture == "qwen2moe"
    // More layers than tensors are refused by whoever expands the table.
    setWindows(
      (0..<min(layers, tensorCount)).map { layer in
        if isEveryLayer { return window }
        if let types, layer < types.count {
          return types[layer].string == "sliding_attention" ? window : 0
        }
        let isWindowed = isBefore ? layer % 2 == 0 && layer < full : layer >= full
        return isWindowed ? window : 0
      })
  }
}
