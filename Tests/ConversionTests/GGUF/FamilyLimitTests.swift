import QuernCheckpoints
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Configs that llama.cpp would run as another model, or not at all.
struct FamilyLimitTests {
  /// Plans a family with some keys of its config replaced; a value of nil removes the key.
  private func plan(_ family: String, _ changes: KeyValuePairs<String, JSONValue?>) throws
    -> ConversionPlan
  {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(family: family)
    var config = JSONObject()
    let changed = Set(changes.map(\.key))
    let text = builder.files["config.json"] ?? []
    for (key, value) in try JSONValue(parsing: text).object?.members ?? []
    where !changed.contains(key) { config.set(key, value) }
    for (key, value) in changes { if let value { config.set(key, value) } }
    var writer = JSONWriter()
    writer.value(.object(config))
    builder.files["config.json"] = writer.bytes
    return try Converting.plan(
      builder.write("model", in: folder), recipe: .load("source", target: .gguf))
  }

  private func message(_ family: String, _ changes: KeyValuePairs<String, JSONValue?>) -> String {
    do {
      return "no error; " + (try plan(family, changes)).warnings.joined(separator: "; ")
    } catch { return "\(error)" }
  }

  @Test func whatTheGraphFixesIsRefused() {
    for (family, changes, words) in [
      ("qwen3-moe", ["norm_topk_prob": .bool(false)], "norm_topk_prob: found false, expected true"),
      ("qwen3-moe", ["norm_topk_prob": nil], "norm_topk_prob: found no such key, expected true"),
      ("qwen2-moe", ["norm_topk_prob": .bool(true)], "norm_topk_prob: found true, expected false"),
      ("qwen3-moe", ["mlp_only_layers": .array([.integer(1)])], "experts in every layer"),
      ("qwen2-moe", ["decoder_sparse_step": .integer(2)], "experts in every layer"),
      ("qwen2-moe", ["decoder_sparse_step": .integer(0)], "an integer of at least 1"),
      ("qwen2", ["head_dim": .integer(64)], "head_dim: found 64"),
      ("deepseek-v3", ["n_shared_experts": .integer(0)], "n_shared_experts: found 0"),
      ("deepseek-v3", ["moe_layer_freq": .integer(2)], "moe_layer_freq: found 2"),
      ("deepseek-v3", ["topk_group": .integer(4)], "topk_group: found 4"),
      ("deepseek-v3", ["n_group": .integer(8)], "n_group: found 8"),
      ("deepseek-v3", ["scoring_func": .string("softmax")], "scoring_func: found"),
      ("deepseek-v3", ["num_hidden_layers": .integer(27)], "q_lora_rank: found 64, expected null"),
      ("deepseek-v3", ["kv_lora_rank": .integer(1 << 20)], "kv_a_proj_with_mqa.weight"),
    ] as [(String, KeyValuePairs<String, JSONValue?>, String)] {
      let text = message(family, changes)
      #expect(text.contains(words), "\(family) \(changes): \(text)")
    }
  }

  @Test func whatTheRuntimeDoesOtherwiseIsTold() {
    let windowed: KeyValuePairs<String, JSONValue?> = [
      "use_sliding_window": .bool(true), "sliding_window": .integer(64),
      "max_window_layers": .integer(1),
    ]
    #expect(message("qwen2", windowed).contains("no error; ") == true)
    #expect(message("qwen2", windowed).contains("sliding_window is 64: "))
    #expect(message("mixtral", ["sliding_window": .integer(64)]).contains("sliding_window is 64: "))
    #expect(!message("mixtral", ["sliding_window": .null]).contains("sliding_window"))
  }

  private func value(_ family: String, _ changes: KeyValuePairs<String, JSONValue?>, _ key: String)
    throws -> GGUFValue?
  {
    try plan(family, changes).files[0].keyValues.first { $0.key == key }?.value
  }

  /// transformers does not write the key, and llama.cpp would take softmax for it.
  @Test func scoresAreSigmoidsUnlessTheConfigSaysOtherwise() throws {
    #expect(
      try value("deepseek-v3", ["scoring_func": nil], "deepseek2.expert_gating_func") == .uint32(2))
  }

  /// The released config has no head size, which moves no key; null is no group, a key that is absent
  /// is transformers' default.
  @Test func keysFollowFromAbsenceAndNull() throws {
    let keys = try plan("deepseek-v3", ["head_dim": nil, "n_group": .null, "topk_group": .null])
      .files[0].keyValues.map(\.key)
    let all = try plan("deepseek-v3", [:]).files[0].keyValues.map(\.key)
    let groups = ["deepseek2.expert_group_count", "deepseek2.expert_group_used_count"]
    #expect(keys == all.filter { !groups.contains($0) })
    #expect(message("deepseek-v3", ["n_group": nil]).contains("n_group: found no such key"))
    let isNormed = "deepseek2.expert_weights_norm"
    #expect(try value("deepseek-v3", ["norm_topk_prob": nil], isNormed) == .bool(true))
    #expect(try value("deepseek-v3", ["norm_topk_prob": .bool(false)], isNormed) == nil)
  }

  @Test func headSizesStandWhereTransformersKnowsThemWithoutTheConfig() throws {
    #expect(try value("llama", ["head_dim": nil], "llama.attention.key_length") == .uint32(32))
    #expect(try value("mixtral", ["head_dim": nil], "llama.attention.key_length") == nil)
    #expect(try value("qwen2", ["head_dim": nil], "qwen2.attention.key_length") == nil)
  }
}
