import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints
@testable import QuernConversion

/// The tiny DeepSeek-V4 under the names and with the config that transformers writes.
///
/// What transformers 5.23 really saves of this model was converted once with the same result; these
/// are its names.
struct DialectTests {
  /// Experts become BF16 on both sides: the fused tensors of transformers are.
  private static let recipe = #"{rules: [{match: "role:routed-expert", type: "bf16"}]}"#

  // MARK: The checkpoint in other words

  private func upstream() throws -> CheckpointBuilder {
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    builder.tensors.removeAll { $0.name.hasPrefix("mtp.") }
    return builder
  }

  private static let modules: [(String, String)] = [
    ("attn.compressor.ape", "self_attn.compressor.position_bias"),
    ("attn.compressor.wkv", "self_attn.compressor.kv_proj"),
    ("attn.compressor.wgate", "self_attn.compressor.gate_proj"),
    ("attn.compressor.norm", "self_attn.compressor.kv_norm"),
    ("attn.indexer.wq_b", "self_attn.compressor.indexer.q_b_proj"),
    ("attn.indexer.weights_proj", "self_attn.compressor.indexer.scorer.weights_proj"),
    ("attn.indexer.compressor.ape", "self_attn.compressor.indexer.position_bias"),
    ("attn.indexer.compressor.wkv", "self_attn.compressor.indexer.kv_proj"),
    ("attn.indexer.compressor.wgate", "self_attn.compressor.indexer.gate_proj"),
    ("attn.indexer.compressor.norm", "self_attn.compressor.indexer.kv_norm"),
    ("attn.attn_sink", "self_attn.sinks"), ("attn.wq_a", "self_attn.q_a_proj"),
    ("attn.q_norm", "self_attn.q_a_norm"), ("attn.wq_b", "self_attn.q_b_proj"),
    ("attn.wkv", "self_attn.kv_proj"), ("attn.kv_norm", "self_attn.kv_norm"),
    ("attn.wo_a", "self_attn.o_a_proj"), ("attn.wo_b", "self_attn.o_b_proj"),
    ("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"),
    ("ffn.gate.bias", "mlp.gate.e_score_correction_bias"), ("ffn.gate.tid2eid", "mlp.gate.tid2eid"),
    ("ffn.gate", "mlp.gate"), ("ffn.shared_experts.w1", "mlp.shared_experts.gate_proj"),
    ("ffn.shared_experts.w2", "mlp.shared_experts.down_proj"),
    ("ffn.shared_experts.w3", "mlp.shared_experts.up_proj"), ("hc_attn_fn", "attn_hc.fn"),
    ("hc_attn_base", "attn_hc.base"), ("hc_attn_scale", "attn_hc.scale"),
    ("hc_ffn_fn", "ffn_hc.fn"), ("hc_ffn_base", "ffn_hc.base"), ("hc_ffn_scale", "ffn_hc.scale"),
  ]

  private static let globals = [
    "embed.weight": "model.embed_tokens.weight", "head.weight": "lm_head.weight",
    "norm.weight": "model.norm.weight", "hc_head_fn": "model.hc_head.hc_fn",
    "hc_head_base": "model.hc_head.hc_base", "hc_head_scale": "model.hc_head.hc_scale",
  ]

  private func module(_ name: String) -> String {
    if let global = Self.globals[name] { return global }
    let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
    let rest = parts[2].replacing(".scale", with: ".weight_scale_inv")
    let found = Self.modules.first { rest == $0.0 || rest.hasPrefix($0.0 + ".") }
    let renamed = found.map { $0.1 + rest.dropFirst($0.0.count) } ?? rest
    return "model.layers.\(parts[1]).\(renamed)"
  }

  /// transformers' own modules: the experts of a layer in two BF16 tensors, gate rows before up rows.
  private func pureNames() throws -> CheckpointBuilder {
    let source = try upstream()
    var builder = source
    builder.tensors = []
    for tensor in source.tensors where !tensor.name.contains(".experts.") {
      var renamed = tensor
      renamed.name = module(tensor.name)
      builder.tensors.append(renamed)
    }
    for layer in 0..<6 {
      let part = { (expert: Int, matrix: String) in
        try self.bf16(source, "layers.\(layer).ffn.experts.\(expert).\(matrix)")
      }
      var (gateUp, down): ([UInt8], [UInt8]) = ([], [])
      for expert in 0..<8 {
        gateUp += try part(expert, "w1") + part(expert, "w3")
        down += try part(expert, "w2")
      }
      let experts = "model.layers.\(layer).mlp.experts."
      builder.tensors.append(.init(experts + "gate_up_proj", .bf16, [8, 256, 256], gateUp))
      builder.tensors.append(.init(experts + "down_proj", .bf16, [8, 256, 128], down))
    }
    return builder
  }

  /// FP4 as BF16, which holds every value.
  private func bf16(_ source: CheckpointBuilder, _ name: String) throws -> [UInt8] {
    let codes = try #require(source[name + ".weight"])
    let scales = try #require(source[name + ".scale"])
    var values: [Float] = []
    for (index, byte) in codes.bytes.enumerated() {
      let scale = E8M0.decode(scales.bytes[index / 16])
      values += [E2M1.decode(byte & 15) * scale, E2M1.decode(byte >> 4) * scale]
    }
    return [UInt8](bf16: values)
  }

  /// What `save_pretrained` writes by default: a prefix, and a kv_norm that is called norm.
  private func mixedNames() throws -> CheckpointBuilder {
    var builder = try upstream()
    for index in builder.tensors.indices {
      let name = builder.tensors[index].name
      if name.hasPrefix("layers.") {
        builder.tensors[index].name = "model." + name.replacing("attn.kv_norm", with: "attn.norm")
      } else if name != "head.weight" {
        builder.tensors[index].name = Self.globals[name] ?? name
      }
    }
    return builder
  }

  /// The config as transformers 5 saves it again.
  private func savedConfig(_ config: String, deriveRotary: Bool = false) throws -> String {
    let data = Data(config.utf8)
    var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for key in ["compress_ratios", "num_hash_layers", "rope_scaling"] { object[key] = nil }
    if deriveRotary {
      for key in ["qk_rope_head_dim", "rope_theta", "compress_rope_theta"] { object[key] = nil }
    }
    let (sliding, sparse, heavy) = (
      "sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"
    )
    object["layer_types"] = [sliding, sliding, sparse, heavy, sparse, heavy]
    object["compress_rates"] = [sparse: 4, heavy: 128]
    object["mlp_layer_types"] = ["hash_moe", "hash_moe", "hash_moe", "moe", "moe", "moe"]
    object["partial_rotary_factor"] = 0.5
    object["rope_parameters"] = [
      "main": ["rope_type": "default", "rope_theta": 10000, "partial_rotary_factor": 0.5],
      "compress": [
        "rope_type": "yarn", "type": "yarn", "factor": 16, "beta_fast": 32, "beta_slow": 1,
        "attention_factor": 1.0, "original_max_position_embeddings": 65536, "rope_theta": 160000,
        "partial_rotary_factor": 0.5,
      ],
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
  }

  // MARK: The same GGUF

  private func convert(_ builder: CheckpointBuilder) throws -> (
    tensors: [String: StoredGGUFTensor], keyValues: [GGUFKeyValue]
  ) {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(
      try builder.write("model", in: folder), recipe: Converting.recipe(Self.recipe),
      options: ConversionOptions(draft: .drop))
    try Converting.run(plan, in: folder)
    let path = folder.path("out.gguf")
    return (try Converting.tensors(path), try GGUFFile(path: path).keyValues)
  }

  /// The released config lists a ratio for the draft layer too.
  private func withoutDraftRatio(_ keyValues: [GGUFKeyValue]) -> [GGUFKeyValue] {
    keyValues.map { entry in
      guard entry.key == "deepseek4.attention.compress_ratios",
        case .array(.int32(let ratios)) = entry.value
      else { return entry }
      return GGUFKeyValue(entry.key, .array(.int32(Array(ratios.prefix(6)))))
    }
  }

  @Test func transformersNamesAreTheSameModel() throws {
    let expected = try convert(upstream())
    let pure = try convert(pureNames())
    #expect(pure.tensors == expected.tensors)
    #expect(pure.keyValues == expected.keyValues)
  }

  @Test func theMixtureThatTransformersSavesIsTheSameModel() throws {
    let expected = try convert(upstream())
    let mixed = try convert(mixedNames())
    #expect(mixed.tensors == expected.tensors)
    #expect(mixed.keyValues == expected.keyValues)
  }

  @Test(arguments: [false, true])
  func theConfigThatTransformersSavesIsTheSameModel(deriveRotary: Bool) throws {
    let expected = try convert(upstream())
    var builder = try upstream()
    builder.config = try savedConfig(builder.config ?? "", deriveRotary: deriveRotary)
    let saved = try convert(builder)
    #expect(saved.tensors == expected.tensors)
    #expect(saved.keyValues == withoutDraftRatio(expected.keyValues))
  }

  @Test(arguments: [0, -0.5, 0.0001, 1.5, 1e300, 0.0078125])
  func aPartOfTheHeadThatCannotBeRotatedIsRefused(factor: Double) throws {
    var builder = try upstream()
    let saved = try savedConfig(builder.config ?? "", deriveRotary: true)
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(saved.utf8)) as? [String: Any])
    object["partial_rotary_factor"] = factor
    builder.config = String(
      decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    let error = #expect(throws: ConversionError.self) { try convert(builder) }
    #expect(error?.description.contains("qk_rope_head_dim") ?? false)
  }

  @Test func weightsAndScalesInManyShardsAreTheSameModel() throws {
    let expected = try convert(upstream())
    var builder = try upstream()
    builder.shardCount = 7
    let sharded = try convert(builder)
    #expect(sharded.tensors == expected.tensors)
    #expect(sharded.keyValues == expected.keyValues)
  }

  @Test func theFP4TypesAreTheSameModel() throws {
    let expected = try convert(upstream())
    for type in [ElementType.u8, .f4] {
      var builder = try upstream()
      for index in builder.tensors.indices where builder.tensors[index].type == .i8 {
        builder.tensors[index].type = type
        if type == .f4 { builder.tensors[index].shape[1] *= 2 }
      }
      #expect(try convert(builder).tensors == expected.tensors, "\(type)")
    }
  }

  @Test func anI32TableIsTheSameAsAnI64Table() throws {
    let expected = try convert(upstream())
    var builder = try upstream()
    for index in builder.tensors.indices where builder.tensors[index].type == .i64 {
      let bytes = builder.tensors[index].bytes
      builder.tensors[index].type = .i32
      builder.tensors[index].bytes = bytes.indices.filter { $0 % 8 < 4 }.map { bytes[$0] }
    }
    #expect(try convert(builder).tensors == expected.tensors)
  }
}
