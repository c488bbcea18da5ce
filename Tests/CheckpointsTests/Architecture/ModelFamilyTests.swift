import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct ModelFamilyTests {
  private func table(_ config: String) throws -> String {
    let config = try ModelConfig(bytes: Array(config.utf8), path: "config.json")
    return try ModelFamily.table(for: config).architecture
  }

  private func message(_ config: String) -> String {
    do { return try table(config) } catch { return "\(error)" }
  }

  @Test(arguments: [
    (#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}"#, "llama"),
    (#"{"architectures": ["Qwen2ForCausalLM"]}"#, "qwen2"),
    (#"{"model_type": "qwen3"}"#, "qwen3"),
    (#"{"architectures": [], "model_type": "deepseek_v4"}"#, "deepseek4"),
    (#"{"architectures": ["DeepseekV3ForCausalLM"]}"#, "deepseek2"),
    (#"{"model_type": "qwen3_moe"}"#, "qwen3moe"),
    (#"{"architectures": ["Qwen2MoeForCausalLM"]}"#, "qwen2moe"),
    (#"{"model_type": "mixtral"}"#, "llama"),
  ])
  func theClassOrElseTheModelTypeNamesTheFamily(config: String, expected: String) throws {
    #expect(try table(config) == expected)
  }

  @Test(arguments: [
    #"{"architectures": ["DeepseekV41ForCausalLM"]}"#, #"{"model_type": "deepseek_v41"}"#,
    #"{"model_type": "deepseek_v41_text", "architectures": ["DeepseekV4ForCausalLM"]}"#,
  ])
  func deepSeekV41IsRefusedByNameWithWhatIsMissing(config: String) {
    let text = message(config)
    #expect(text.contains("V4.1") && text.contains("Engram"))
  }

  @Test(arguments: [
    (#"{}"#, "model_type"), (#"{"model_type": "warp"}"#, "warp"),
    (#"{"architectures": ["PhiForCausalLM"], "model_type": "phi"}"#, "PhiForCausalLM"),
    (#"{"architectures": ["LlamaForCausalLM"], "model_type": "qwen3"}"#, "qwen3"),
    (#"{"architectures": 7, "model_type": 8}"#, "model_type"),
  ])
  func otherFamiliesAreRefusedByName(config: String, named: String) {
    #expect(message(config).contains(named))
  }

  // MARK: DeepSeek-V4's layers

  private func layers(_ config: String) throws -> DeepSeekV4Layers {
    let object = try #require(try JSONValue(parsing: Array(config.utf8)).object)
    return try DeepSeekV4Layers(config: object, file: "config.json")
  }

  @Test func bothSpellingsOfLayersAreTheSame() throws {
    let released = try layers(#"{"compress_ratios": [0, 4, 128]}"#)
    let saved = try layers(
      """
      {"layer_types": ["sliding_attention", "compressed_sparse_attention",
         "heavily_compressed_attention"],
       "compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 128},
       "mlp_layer_types": ["hash_moe", "moe", "moe"]}
      """)
    #expect(released.compressRatios == saved.compressRatios)
    #expect(released.hashLayerCount == nil && saved.hashLayerCount == 1)
  }

  @Test(arguments: [
    "{}", #"{"compress_ratios": 4}"#, #"{"compress_ratios": [0, 2]}"#,
    #"{"compress_ratios": [0, "4"]}"#, #"{"layer_types": ["compressed_sparse_attention"]}"#,
    #"{"layer_types": ["full_attention"], "compress_rates": {"full_attention": 1}}"#,
    #"{"layer_types": [4], "compress_rates": {"4": 4}}"#,
    #"{"compress_ratios": [0, 0], "mlp_layer_types": ["moe", "hash_moe"]}"#,
    #"{"compress_ratios": [0, 0], "mlp_layer_types": ["dense", "moe"]}"#,
  ])
  func layersThatTheRuntimeDoesNotKnowAreRefused(config: String) {
    #expect(throws: InputProblem.self) { try layers(config) }
  }

  @Test func draftStagesAreCountedInTheTensors() {
    let names = { (texts: [String]) in
      DraftStages(tensorNames: texts.map { TensorName($0) }, optionalPrefix: "model.")
    }
    #expect(names(["embed.weight", "layers.0.x"]).count == 0)
    #expect(names(["mtp.0.a", "mtp.0.b", "model.mtp.1.a"]).count == 2)
    #expect(!names(["mtp.0.e_proj.weight"]).isDSpark)
    #expect(names(["mtp.0.main_proj.weight"]).isDSpark)
    #expect(names(["mtp.2.markov_head.markov_w1.weight"]).isDSpark)
  }
}
