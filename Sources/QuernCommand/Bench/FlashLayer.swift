import ArgumentParser
import QuernCheckpoints
import QuernContainers

/// One layer of DeepSeek-V4-Flash as released, with a small vocabulary. Routing is by the hash table, so that
/// tokens spread over all experts as those of a trained router do.
enum FlashLayer {
  static let vocabulary = 1024

  private static let integers: KeyValuePairs<String, Int> = [
    "hidden_size": 4096, "moe_intermediate_size": 2048, "num_hidden_layers": 1,
    "n_routed_experts": 256, "num_experts_per_tok": 6, "n_shared_experts": 1,
    "vocab_size": vocabulary, "num_attention_heads": 64, "num_key_value_heads": 1,
    "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1024, "o_lora_rank": 1024,
    "o_groups": 8, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512,
    "num_hash_layers": 1, "rope_theta": 10000, "compress_rope_theta": 160_000,
    "sliding_window": 128, "hc_mult": 4, "hc_sinkhorn_iters": 20,
  ]

  static func checkpoint(folder: String, context: Int) throws -> SyntheticCheckpoint {
    guard let table = ArchitectureTable.all.first(where: { $0.architecture == "deepseek4" }) else {
      throw ValidationError("no table for deepseek4")
    }
    var config = JSONObject()
    config.set("architectures", .array([.string("DeepseekV4ForCausalLM")]))
    config.set("model_type", .string("deepseek_v4"))
    for (key, value) in integers { config.set(key, .integer(value)) }
    config.set("max_position_embeddings", .integer(max(4096, context)))
    config.set("compress_ratios", .array([.integer(4)]))
    for (key, value) in [
      ("rms_norm_eps", 1e-6), ("hc_eps", 1e-6), ("routed_scaling_factor", 1.5),
      ("swiglu_limit", 10),
    ] { config.set(key, .real(value)) }
    config.set("norm_topk_prob", .bool(true))
    config.set("tie_word_embeddings", .bool(false))
    var quantization = JSONObject()
    quantization.set("quant_method", .string("fp8"))
    quantization.set("weight_block_size", .array([.integer(128), .integer(128)]))
    config.set("quantization_config", .object(quantization))
    return SyntheticCheckpoint(folder: folder, table: table, config: config, weights: .released)
  }
}
