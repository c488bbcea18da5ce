import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// Head dimensions that a config may claim and the permutation or the rotary table cannot have.
struct HeadDimensionTests {
  private func message(headDimension: Int, rope: String) throws -> String {
    let folder = try TemporaryFolder()
    let rows = min(headDimension, 8)
    let tensor = { (name: String, shape: [Int]) in
      CheckpointBuilder.Tensor(
        name, .f32, shape, [UInt8](repeating: 0, count: 4 * shape.reduce(1, *)))
    }
    let path = try CheckpointBuilder(
      tensors: [
        tensor("embed_tokens.weight", [4, 2]), tensor("norm.weight", [2]),
        tensor("layers.0.input_layernorm.weight", [2]),
        tensor("layers.0.self_attn.q_proj.weight", [rows, 2]),
        tensor("layers.0.self_attn.k_proj.weight", [rows, 2]),
        tensor("layers.0.self_attn.v_proj.weight", [rows, 2]),
        tensor("layers.0.self_attn.o_proj.weight", [2, rows]),
        tensor("layers.0.post_attention_layernorm.weight", [2]),
        tensor("layers.0.mlp.gate_proj.weight", [2, 2]),
        tensor("layers.0.mlp.up_proj.weight", [2, 2]),
        tensor("layers.0.mlp.down_proj.weight", [2, 2]),
      ],
      config: """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1,
         "max_position_embeddings": 8, "hidden_size": 2, "intermediate_size": 2,
         "num_attention_heads": 1, "head_dim": \(headDimension), "vocab_size": 4,
         "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "rope_scaling": \(rope)}
        """
    ).write("model", in: folder)
    do {
      let checkpoint = try Checkpoint.open(path, environment: [:])
      let map = try TensorMap(
        checkpoint: checkpoint,
        parameters: ModelFamily.parameters(of: checkpoint, keepsDraft: true))
      return "\(map.tensors.count) tensors"
    } catch { return "\(error)" }
  }

  private static let llama3 = #"{"rope_type": "llama3", "factor": 8}"#

  @Test func anEvenDimensionIsTaken() throws {
    #expect(try message(headDimension: 4, rope: "null") == "11 tensors")
    #expect(try message(headDimension: 4, rope: Self.llama3) == "12 tensors")
  }

  @Test(arguments: [1, 3, 7])
  func headsOfOddSizeHaveNoPairs(headDimension: Int) throws {
    #expect(try message(headDimension: headDimension, rope: "null").contains("head_dim"))
    #expect(try message(headDimension: headDimension, rope: Self.llama3).contains("head_dim"))
  }

  @Test(.timeLimit(.minutes(1)), arguments: [1 << 40, 1 << 62])
  func aHugeDimensionAllocatesNothing(headDimension: Int) throws {
    #expect(try message(headDimension: headDimension, rope: Self.llama3).contains("head_dim"))
  }

  @Test(arguments: [
    #""factor": 1e300"#, #""factor": 1e-300"#, #""low_freq_factor": 4, "high_freq_factor": 4"#,
    #""low_freq_factor": 0"#, #""high_freq_factor": -1"#,
    #""original_max_position_embeddings": 0"#, #""original_max_position_embeddings": 1e60"#,
  ])
  func numbersThatGiveNoFrequenciesAreRefused(entry: String) throws {
    let text = try message(headDimension: 8, rope: #"{"rope_type": "llama3", \#(entry)}"#)
    #expect(text.contains("rope_scaling"), "\(text)")
  }
}
