import Foundation
import QuernTensors

/// The tiny DeepSeek-V4 in the words of its dialects.
///
/// What transformers 5.23 really saves of this model was converted once with the same result; these
/// are its names.
package enum TinyV4 {
  /// The model of `testdata/tiny-v4/upstream` without its draft layer, under its own names.
  package static func upstream() throws -> CheckpointBuilder {
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

  private static func module(_ name: String) -> String {
    if let global = globals[name] { return global }
    let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
    let rest = parts[2].replacing(".scale", with: ".weight_scale_inv")
    let found = modules.first { rest == $0.0 || rest.hasPrefix($0.0 + ".") }
    let renamed = found.map { $0.1 + rest.dropFirst($0.0.count) } ?? rest
    return "model.layers.\(parts[1]).\(renamed)"
  }

  /// transformers' own modules: the experts of a layer in two BF16 tensors, gate rows before up rows.
  package static func transformersNames() throws -> CheckpointBuilder {
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
        try bf16(source, "layers.\(layer).ffn.experts.\(expert).\(matrix)")
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
  private static func bf16(_ source: CheckpointBuilder, _ name: String) throws -> [UInt8] {
    guard let codes = source[name + ".weight"], let scales = source[name + ".scale"] else {
      throw CocoaError(.coderValueNotFound)
    }
    var values: [Float] = []
    for (index, byte) in codes.bytes.enumerated() {
      let scale = E8M0.decode(scales.bytes[index / 16])
      values += [E2M1.decode(byte & 15) * scale, E2M1.decode(byte >> 4) * scale]
    }
    return [UInt8](bf16: values)
  }

  /// What `save_pretrained` writes by default: a prefix, and a kv_norm that is called norm.
  package static func savedNames() throws -> CheckpointBuilder {
    var builder = try upstream()
    for index in builder.tensors.indices {
      let name = builder.tensors[index].name
      if name.hasPrefix("layers.") {
        builder.tensors[index].name = "model." + name.replacing("attn.kv_norm", with: "attn.norm")
      } else if name != "head.weight" {
        builder.tensors[index].name = globals[name] ?? name
      }
    }
    return builder
  }
}
