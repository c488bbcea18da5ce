import Quern

/// How a runtime serves a folder: what its own guides pass for the model, and as many cards as the
/// weights need.
struct ServeCommand {
  private let plan: ConversionPlan
  private let path: String

  /// Memory of a card of an Atlas 800 A2, and the share that weights may have of it: the rest is for
  /// keys, values and activations.
  private static let cardByteCount = 64_000_000_000.0
  private static let weightShare = 0.7
  /// A context that fits beside the weights of DeepSeek-V4-Flash on eight such cards; its own of a
  /// million does not.
  private static let contextLength = 133_120

  /// Nil for what no such runtime loads.
  init?(_ plan: ConversionPlan, path: String) {
    guard plan.target != .gguf else { return nil }
    self.plan = plan
    self.path = path
  }

  var text: String { (["vllm", "serve", path.shellQuoted] + options).joined(separator: " ") }

  private var options: [String] {
    guard plan.target == .ascend else { return [] }
    var options = ["--quantization", "ascend", "--tensor-parallel-size", "\(cardCount)"]
    if plan.tensors.contains(where: { $0.role == .routedExpert }) {
      options.append("--enable-expert-parallel")
    }
    if plan.architecture == "deepseek4" {
      options += ["--max-model-len", "\(Self.contextLength)", "--tokenizer-mode", "deepseek_v4"]
    }
    return options + speculation
  }

  /// The smallest power of two of cards that hold the weights.
  private var cardCount: Int {
    var count = 1
    while Double(plan.weightByteCount) / Double(count) > Self.cardByteCount * Self.weightShare {
      count *= 2
    }
    return count
  }

  private var speculation: [String] {
    guard plan.keepsDraft, plan.architecture == "deepseek4" else { return [] }
    let isBlock = plan.tensors.contains { $0.name.contains(".main_proj.") }
    let config =
      isBlock
      ? #"{"method": "dspark", "num_speculative_tokens": 7}"#
      : #"{"method": "mtp", "num_speculative_tokens": 1}"#
    return ["--speculative-config", config.shellQuoted]
  }
}
