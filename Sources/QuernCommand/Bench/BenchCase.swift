import ArgumentParser
import QuernCheckpoints
import QuernContainers
import QuernConversion

/// One synthetic checkpoint and the recipe it is converted with.
struct BenchCase {
  let name: String
  var target = ConversionTarget.gguf
  /// Name of a built-in.
  private let recipe: String
  /// Where all matrices take the scales of their largest magnitudes, and the case is about all else.
  private var isAbsmax = false
  private let weights: SyntheticCheckpoint.Weights
  private let family: Family

  private enum Family {
    /// A Llama of few, large matrices.
    case large
    /// DeepSeek-V4 with its experts: hundreds of small matrices a layer.
    case mixture
  }

  static let all: [BenchCase] = [
    .init(name: "bf16-q8_0", recipe: "q8_0", weights: .bf16, family: .large),
    .init(name: "bf16-q4_0", recipe: "q4_0", weights: .bf16, family: .large),
    .init(name: "bf16-q4_k_m", recipe: "q4_k_m", weights: .bf16, family: .large),
    .init(
      name: "bf16-q8_0-absmax", recipe: "q8_0", isAbsmax: true, weights: .bf16, family: .large),
    .init(
      name: "bf16-q4_0-absmax", recipe: "q4_0", isAbsmax: true, weights: .bf16, family: .large),
    .init(name: "fp8-q8_0-absmax", recipe: "q8_0", isAbsmax: true, weights: .fp8, family: .large),
    .init(name: "fp8-q8_0", recipe: "q8_0", weights: .fp8, family: .large),
    .init(name: "fp4-q8_0", recipe: "q8_0", weights: .fp4, family: .large),
    .init(name: "fp4-mxfp4", recipe: "source", weights: .fp4, family: .large),
    .init(name: "v4-q8_0", recipe: "q8_0", weights: .released, family: .mixture),
    .init(name: "v4-q4_0", recipe: "q4_0", weights: .released, family: .mixture),
    .init(name: "v4-mxfp4", recipe: "source", weights: .released, family: .mixture),
    .init(
      name: "bf16-ascend-w8a8", target: .ascend, recipe: "w8a8", weights: .bf16, family: .large),
    .init(name: "fp8-ascend-w8a8", target: .ascend, recipe: "w8a8", weights: .fp8, family: .large),
    .init(name: "fp4-ascend-w8a8", target: .ascend, recipe: "w8a8", weights: .fp4, family: .large),
    .init(
      name: "v4-ascend-w8a8", target: .ascend, recipe: "w8a8", weights: .released,
      family: .mixture),
    .init(
      name: "v4-ascend-w4a8", target: .ascend, recipe: "w4a8", weights: .released,
      family: .mixture),
  ]

  func loadRecipe() throws -> Recipe {
    guard isAbsmax else { return try Recipe.load(recipe, target: target) }
    let rules = ["attention", "feed-forward"].map { role in
      "{match: \"role:\(role)\", type: \"\(recipe)\", method: \"absmax\"}"
    }
    let text = "{rules: [\(rules.joined(separator: ", "))]}"
    return try Recipe.parse(Array(text.utf8), name: name, target: target)
  }

  /// A checkpoint of about that many bytes.
  func checkpoint(folder: String, byteCount: Int) throws -> SyntheticCheckpoint {
    let architecture = family == .large ? "llama" : "deepseek4"
    guard let table = ArchitectureTable.all.first(where: { $0.architecture == architecture }) else {
      throw ValidationError("no table for \(architecture)")
    }
    return SyntheticCheckpoint(
      folder: folder, table: table,
      config: family == .large ? large(byteCount) : mixture(byteCount),
      weights: weights)
  }

  /// Layers of 4096 × 4096 attention and 4096 × 12288 feed-forward matrices.
  private func large(_ byteCount: Int) -> JSONObject {
    let (hidden, feedForward) = (4096, 12288)
    let weightsPerLayer = 4 * hidden * hidden + 3 * hidden * feedForward
    let bitsPerWeight: Double =
      switch weights {
      case .bf16, .released: 16
      case .fp8: 8
      case .fp4: 4.25
      }
    let layerBytes = Double(weightsPerLayer) * bitsPerWeight / 8
    return object([
      "architectures": .array([.string("LlamaForCausalLM")]), "model_type": .string("llama"),
      "hidden_size": .integer(hidden), "intermediate_size": .integer(feedForward),
      "num_attention_heads": .integer(32), "vocab_size": .integer(512),
      "num_hidden_layers": .integer(max(1, Int((Double(byteCount) / layerBytes).rounded()))),
      "max_position_embeddings": .integer(4096), "rms_norm_eps": .real(1e-5),
      "tie_word_embeddings": .bool(true),
    ])
  }

  /// DeepSeek-V4-Flash at a quarter of its width, all else as released.
  private func mixture(_ byteCount: Int) -> JSONObject {
    let (hidden, width, experts) = (1024, 512, 256)
    let layerBytes = Double(3 * hidden * width * experts) * 4.25 / 8
    let layers = max(1, Int((Double(byteCount) / layerBytes).rounded()))
    return object([
      "architectures": .array([.string("DeepseekV4ForCausalLM")]),
      "model_type": .string("deepseek_v4"),
      "hidden_size": .integer(hidden), "moe_intermediate_size": .integer(width),
      "num_hidden_layers": .integer(layers), "n_routed_experts": .integer(experts),
      "num_experts_per_tok": .integer(6), "n_shared_experts": .integer(1),
      "vocab_size": .integer(1024),
      "num_attention_heads": .integer(16), "num_key_value_heads": .integer(1),
      "head_dim": .integer(512), "qk_rope_head_dim": .integer(64), "q_lora_rank": .integer(256),
      "o_lora_rank": .integer(256), "o_groups": .integer(8), "index_n_heads": .integer(16),
      "index_head_dim": .integer(128), "index_topk": .integer(512), "num_hash_layers": .integer(1),
      "compress_ratios": .array((0..<layers).map { .integer([0, 4, 128][min($0, 1 + $0 % 2)]) }),
      "max_position_embeddings": .integer(65536), "rms_norm_eps": .real(1e-6),
      "rope_theta": .integer(10000), "compress_rope_theta": .integer(160000),
      "sliding_window": .integer(128), "routed_scaling_factor": .real(1.5),
      "norm_topk_prob": .bool(true),
      "swiglu_limit": .real(10), "hc_mult": .integer(4), "hc_sinkhorn_iters": .integer(20),
      "hc_eps": .real(1e-6), "tie_word_embeddings": .bool(false),
      "quantization_config": .object(
        object([
          "quant_method": .string("fp8"),
          "weight_block_size": .array([.integer(128), .integer(128)]),
        ])),
    ])
  }

  private func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONObject {
    var object = JSONObject()
    for (key, value) in members { object.set(key, value) }
    return object
  }
}
