import Foundation

/// A way in which a folder for vllm-ascend can be wrong, and what a verdict on it must name.
struct RuntimeCorruption: Sendable {
  let name: String
  /// Part of a tensor's name, or the file, that a failure must be about.
  let place: String
  let isOfFour: Bool
  let change: @Sendable (inout RuntimeFiles) throws -> Void

  init(
    _ name: String, _ place: String, four: Bool = false,
    _ change: @escaping @Sendable (inout RuntimeFiles) throws -> Void
  ) {
    (self.name, self.place, isOfFour, self.change) = (name, place, four, change)
  }

  static let all = codes + corrections + scales + descriptions + tensors + files

  static let codes: [RuntimeCorruption] = [
    RuntimeCorruption("nibbles swapped", "layers.0.ffn.experts.0.w1", four: true) {
      $0.eachFour { $0.bytes = $0.bytes.map { $0 << 4 | $0 >> 4 } }
    },
    RuntimeCorruption("packed along columns", "layers.0.ffn.experts.0.w1.weight", four: true) {
      $0.eachFour { $0.shape = [$0.shape[0] * 2, $0.shape[1] / 2] }
    },
    RuntimeCorruption("transposed", "layers.0.attn.wq_b.weight") {
      $0.each("attn.wq_b.weight") { $0.transpose() }
    },
    RuntimeCorruption("one row's nibbles swapped", "layers.1.ffn.experts.2.w3", four: true) {
      $0.each("layers.1.ffn.experts.2.w3.weight") { tensor in
        let columns = tensor.shape[1]
        for index in 3 * columns..<4 * columns {
          tensor.bytes[index] = tensor.bytes[index] << 4 | tensor.bytes[index] >> 4
        }
      }
    },
    RuntimeCorruption("two experts exchanged", "layers.2.ffn.experts.1.w2") { files in
      for ending in ["weight", "weight_scale", "weight_offset", "scale_bias"] {
        let names = [1, 2].map { "layers.2.ffn.experts.\($0).w2.\(ending)" }
        let first = files.tensors[names[0]]
        files.tensors[names[0]] = files.tensors[names[1]]
        files.tensors[names[1]] = first
      }
    },
    RuntimeCorruption("gate and up exchanged", "layers.1.ffn.shared_experts.w1") { files in
      for ending in ["weight", "weight_scale", "weight_offset"] {
        let names = ["w1", "w3"].map { "layers.1.ffn.shared_experts.\($0).\(ending)" }
        let first = files.tensors[names[0]]
        files.tensors[names[0]] = files.tensors[names[1]]
        files.tensors[names[1]] = first
      }
    },
  ]

  static let corrections: [RuntimeCorruption] = [
    RuntimeCorruption("correction without its 8", "w1.scale_bias", four: true) {
      $0.each("scale_bias") { $0.floats = $0.floats.map { $0 / 8 } }
    },
    RuntimeCorruption("no correction", "w1.scale_bias", four: true) {
      $0.each("scale_bias") { $0.floats = $0.floats.map { $0 * 0 } }
    },
    RuntimeCorruption("one column of correction", "w2.scale_bias", four: true) {
      $0.each("w2.scale_bias") { tensor in
        let values = tensor.floats
        tensor.floats = (0..<tensor.shape[0]).map { values[16 * $0..<16 * $0 + 16].reduce(0, +) }
        tensor.shape[1] = 1
      }
    },
  ]

  static let scales: [RuntimeCorruption] = [
    RuntimeCorruption("scales without columns", "layers.0.attn.wq_a.weight_scale") {
      $0.each("weight_scale") { $0.shape = [$0.shape[0]] }
    },
    RuntimeCorruption("negative scales", "ffn.shared_experts.w2.weight_scale") {
      $0.each("ffn.shared_experts.w2.weight_scale") { $0.floats = $0.floats.map(-) }
    },
    RuntimeCorruption("the scale of one row halved", "layers.1.attn.wkv.weight") {
      $0.each("layers.1.attn.wkv.weight_scale") { $0.floats[5] /= 2 }
    },
    RuntimeCorruption("an offset", "layers.0.attn.wq_b.weight_offset") {
      $0.each("layers.0.attn.wq_b.weight_offset") { $0.floats[7] = 1 }
    },
  ]

  static let descriptions: [RuntimeCorruption] = [
    RuntimeCorruption("wo_a as integers", "attn.wo_a.weight") {
      $0.retype("attn.wo_a.weight", "W8A8_DYNAMIC")
    },
    RuntimeCorruption("shared experts as W4A8", "shared_experts.w1.weight") {
      $0.retype("shared_experts", "W4A8_DYNAMIC")
    },
    RuntimeCorruption("hc_head_fn undescribed", "hc_head_fn") {
      $0.description["hc_head_fn"] = nil
    },
    RuntimeCorruption("groups of 128", "quant_model_description.json") {
      $0.description["group_size"] = 128
    },
    RuntimeCorruption("no group size", "quant_model_description.json") {
      $0.description["group_size"] = nil
    },
    RuntimeCorruption("no version", "quant_model_description.json") {
      $0.description["version"] = nil
    },
    RuntimeCorruption("experts of two types", "layers.0.ffn.experts.3.w1.weight", four: true) {
      $0.retype("layers.0.ffn.experts.3.w1", "W8A8_DYNAMIC")
    },
    RuntimeCorruption("a norm's bias", "layers.0.attn_norm.bias") {
      $0.description["layers.0.attn_norm.bias"] = "FLOAT"
    },
  ]

  static let tensors: [RuntimeCorruption] = [
    RuntimeCorruption("no head of the draft", "mtp.0.head.weight") {
      $0.tensors["mtp.0.head.weight"] = nil
    },
    RuntimeCorruption("no norm", "layers.0.attn_norm.weight") {
      $0.tensors["layers.0.attn_norm.weight"] = nil
    },
    RuntimeCorruption("one more tensor", "layers.0.attn.extra.weight") {
      $0.tensors["layers.0.attn.extra.weight"] = .init(
        type: .f32, shape: [4], bytes: [UInt8](repeating: 0, count: 16))
      $0.description["layers.0.attn.extra.weight"] = "FLOAT"
    },
    RuntimeCorruption("no scale of an expert", "layers.1.ffn.experts.0.w1.weight_scale") {
      $0.tensors["layers.1.ffn.experts.0.w1.weight_scale"] = nil
    },
    RuntimeCorruption("another norm", "layers.1.ffn_norm.weight") { files in
      files.tensors["layers.1.ffn_norm.weight"]?.bytes.reverse()
    },
  ]

  static let files: [RuntimeCorruption] = [
    RuntimeCorruption("a shard cut", ".safetensors") {
      try $0.write()
      try $0.cutShard(by: 100)
    },
    RuntimeCorruption("a stale index", "model.safetensors.index.json") {
      try $0.rewrite("model.safetensors.index.json") {
        $0["weight_map"] = ["x": "model-00001-of-00001.safetensors"]
      }
    },
    RuntimeCorruption("a method in the configuration", "config.json") {
      try $0.rewrite("config.json") { $0["quantization_config"] = ["quant_method": "fp8"] }
    },
  ]
}
