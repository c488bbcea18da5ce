import Foundation
import QuernCheckpoints
import QuernConversion
import QuernTestSupport
import QuernVerification
import Testing

/// A Llama whose q and k are FP4: rows on the grid that change places.
@Suite struct PermutedGridTests {
  private struct Tensor {
    let name: String
    let type: String
    let shape: [Int]
    let bytes: [UInt8]
  }

  private static func words(_ name: String, _ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    let bytes = (0..<count).flatMap { [UInt8($0 % 251), UInt8(0x3c + $0 % 3)] }
    return Tensor(name: name, type: "BF16", shape: shape, bytes: bytes)
  }

  private static func grid(_ name: String) -> [Tensor] {
    [
      Tensor(
        name: "\(name).weight", type: "I8", shape: [64, 32],
        bytes: (0..<64 * 32).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }),
      Tensor(
        name: "\(name).scale", type: "F8_E8M0", shape: [64, 2],
        bytes: (0..<128).map { UInt8(115 + $0 % 5) }),
    ]
  }

  private static func write(to folder: TemporaryFolder) throws {
    let layer = "model.layers.0"
    let tensors =
      [
        words("model.embed_tokens.weight", [32, 64]), words("model.norm.weight", [64]),
        words("\(layer).input_layernorm.weight", [64]),
        words("\(layer).post_attention_layernorm.weight", [64]),
        words("\(layer).self_attn.v_proj.weight", [64, 64]),
        words("\(layer).self_attn.o_proj.weight", [64, 64]),
        words("\(layer).mlp.gate_proj.weight", [64, 64]),
        words("\(layer).mlp.up_proj.weight", [64, 64]),
        words("\(layer).mlp.down_proj.weight", [64, 64]),
      ] + grid("\(layer).self_attn.q_proj") + grid("\(layer).self_attn.k_proj")
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
      let end = data.count + tensor.bytes.count
      entries.append(
        #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"#
          + #""data_offsets":[\#(data.count),\#(end)]}"#)
      data += tensor.bytes
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
    _ = try folder.write("model.safetensors", length + header + data)
    let config = """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
       "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4,
       "num_hidden_layers": 1, "vocab_size": 32, "max_position_embeddings": 64,
       "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
      """
    _ = try folder.write("config.json", Array(config.utf8))
  }

  @Test(arguments: ["source", "q8_0", "q4_0"])
  func rowsOfTheGridChangePlacesWithTheirScales(_ recipe: String) throws {
    let folder = try TemporaryFolder()
    try Self.write(to: folder)
    let checkpoint = try Checkpoint.open(folder.url.path, environment: [:])
    let output = try TemporaryFolder()
    let plan = try ConversionPlan(
      .gguf,
      of:
        checkpoint, recipe: try Recipe.load(recipe, target: .gguf), options: .init(),
      outputName: "out")
    let path = output.path("out.gguf")
    _ = try Conversion(plan, outputPath: path, threadCount: 2, durable: false).run()
    let report = try Verification.run(output: path, against: checkpoint)
    #expect(report.failures == [])
    let query = try #require(report.rows.first { $0.name == "blk.0.attn_q.weight" })
    #expect(query.classification == (recipe == "q4_0" ? .bounded : .exact))
  }
}
