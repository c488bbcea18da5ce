/// Who wrote a checkpoint: how its files are found, and which tensors belong to a weight.
public enum CheckpointDialect: String, Sendable, CustomStringConvertible {
  /// A lab's release: floats, FP8 and FP4 with their scales.
  case huggingFace = "hugging-face"
  /// What msModelSlim writes for vllm-ascend: `quant_model_description.json` types every tensor.
  case ascend
  /// What `config.json` calls `compressed-tensors`.
  case compressedTensors = "compressed-tensors"
  /// A GGUF file, or all parts of a split one: metadata stands in place of a config.
  case gguf

  public var description: String { rawValue }
}
