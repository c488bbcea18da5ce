/// Files of a folder that vllm-ascend loads.
enum AscendNames {
  static let description = "quant_model_description.json"
  static let index = "quant_model_weights.safetensors.index.json"
  /// vLLM reads the shards that this index lists, and no others.
  static let filteringIndex = "model.safetensors.index.json"
}
