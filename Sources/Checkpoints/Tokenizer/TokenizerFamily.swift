/// Which tokenizer file an architecture's checkpoints are read from.
///
/// The order decides between two files that both exist, and so between two different tokenizers;
/// it is llama.cpp's (conversion/llama.py, qwen.py, deepseek.py).
package enum TokenizerFamily: Sendable {
  /// `tokenizer.model`, else a `tokenizer.json` with byte fallback, else byte-level BPE.
  case llama
  /// `tokenizer.model`, else byte-level BPE.
  case sentencePieceFirst
  /// Byte-level BPE; `tokenizer.model` is not looked at.
  case byteLevelOnly

  /// - Parameter architecture: the value of `general.architecture`.
  package init(architecture: String) {
    switch architecture {
    case "llama": self = .llama
    case "qwen2", "qwen3": self = .sentencePieceFirst
    default: self = .byteLevelOnly
    }
  }
}
