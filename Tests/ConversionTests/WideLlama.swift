import QuernTensors
import QuernTestSupport

/// A Llama with rows of 256, for formats with blocks as long, and with as many layers as asked for.
enum WideLlama {
  static let width = 256

  static func builder(layers: Int, isTied: Bool = false, seed: UInt64 = 5) -> CheckpointBuilder {
    var generator = SeededGenerator(seed: seed)
    func tensor(_ name: String, _ shape: [Int]) -> CheckpointBuilder.Tensor {
      let values = (0..<shape.reduce(1, *)).map { _ in
        Float.random(in: -1...1, using: &generator) * Float.random(in: 0...1, using: &generator)
      }
      return .init(name, .bf16, shape, [UInt8](bf16: values))
    }
    var tensors = [tensor("model.embed_tokens.weight", [8, width])]
    tensors.append(tensor("model.norm.weight", [width]))
    if !isTied { tensors.append(tensor("lm_head.weight", [8, width])) }
    for layer in 0..<layers {
      let block = "model.layers.\(layer)."
      for name in ["input_layernorm", "post_attention_layernorm"] {
        tensors.append(tensor(block + name + ".weight", [width]))
      }
      for name in ["self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj"] {
        tensors.append(tensor(block + name + ".weight", [width, width]))
      }
      for name in ["self_attn.k_proj", "self_attn.v_proj"] {
        tensors.append(tensor(block + name + ".weight", [width / 4, width]))
      }
      tensors.append(tensor(block + "mlp.down_proj.weight", [width, width]))
    }
    return CheckpointBuilder(
      tensors: tensors,
      config: """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
         "num_hidden_layers": \(layers), "max_position_embeddings": 64, "hidden_size": \(width),
         "intermediate_size": \(width), "num_attention_heads": 8, "num_key_value_heads": 2,
         "vocab_size": 8, "rms_norm_eps": 1e-5, "tie_word_embeddings": \(isTied)}
        """)
  }
}
