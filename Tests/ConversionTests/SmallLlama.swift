import QuernTensors
import QuernTestSupport

/// A one-layer Llama of a few kilobytes, to break in single places.
enum SmallLlama {
  static let width = 32

  /// All weights are small integers, so that every number format but the blocks holds them.
  static func builder(type: ElementType = .f32) -> CheckpointBuilder {
    let matrix = [width, width]
    let block = "model.layers.0."
    let shapes: [(String, [Int])] = [
      ("model.embed_tokens.weight", [64, width]), ("model.norm.weight", [width]),
      (block + "input_layernorm.weight", [width]), (block + "self_attn.q_proj.weight", matrix),
      (block + "self_attn.k_proj.weight", matrix), (block + "self_attn.v_proj.weight", matrix),
      (block + "self_attn.o_proj.weight", matrix),
      (block + "post_attention_layernorm.weight", [width]),
      (block + "mlp.gate_proj.weight", [64, width]), (block + "mlp.up_proj.weight", [64, width]),
      (block + "mlp.down_proj.weight", [width, 64]),
    ]
    return CheckpointBuilder(
      tensors: shapes.map { name, shape in
        let values = (0..<shape.reduce(1, *)).map { Float($0 % 15 - 7) }
        let bytes = type == .bf16 ? [UInt8](bf16: values) : [UInt8](floats: values)
        return .init(name, type, shape, bytes)
      },
      config: """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1,
         "max_position_embeddings": 64, "hidden_size": 32, "intermediate_size": 64,
         "num_attention_heads": 4, "vocab_size": 64, "rms_norm_eps": 1e-5,
         "tie_word_embeddings": true}
        """)
  }

  /// The same with one float32 weight replaced.
  static func builder(_ tensor: String, row: Int, column: Int, value: Float) -> CheckpointBuilder {
    var builder = builder()
    let rowLength = builder[tensor]?.shape.last ?? 1
    builder.change(tensor) { bytes in
      let start = 4 * (row * rowLength + column)
      bytes.replaceSubrange(start..<start + 4, with: [UInt8](floats: [value]))
    }
    return builder
  }
}
