import QuernQuantization

/// What a checkpoint is turned into.
public enum ConversionTarget: String, CaseIterable, Sendable {
  /// One file for llama.cpp, or the parts of one.
  case gguf
  /// A folder for vllm-ascend, as msModelSlim writes it.
  case ascend
  /// A folder for vLLM and transformers.
  case compressedTensors = "compressed-tensors"

  /// The runtime whose layout a folder has; nil for GGUF.
  package var runtime: IntegerFormat.Runtime? {
    switch self {
    case .gguf: nil
    case .ascend: .ascend
    case .compressedTensors: .compressedTensors
    }
  }
}
