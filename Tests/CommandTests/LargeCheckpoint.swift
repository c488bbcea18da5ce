import Foundation
import QuernContainers
import Testing

/// A Llama of 1.7 GB of zeros, which take no room on the disk: long enough to interrupt.
struct LargeCheckpoint {
  private let scratch: Scratch

  private static let (hidden, feedForward, vocabulary, layers) = (4096, 12288, 512, 4)

  var path: String { scratch.url.path }

  init() throws {
    scratch = try Scratch()
    try scratch.write(
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": \(Self.hidden),
       "intermediate_size": \(Self.feedForward), "num_attention_heads": 32,
       "vocab_size": \(Self.vocabulary), "num_hidden_layers": \(Self.layers),
       "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
      """, to: "config.json")
    try writeWeights()
  }

  private func writeWeights() throws {
    var entries: [String] = []
    var offset = 0
    for (name, shape) in Self.tensors {
      let end = offset + 2 * shape.reduce(1, *)
      entries.append(
        "\"\(name)\":{\"dtype\":\"BF16\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    var start = Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
    start.append(contentsOf: header)
    let url = scratch.url.appending(path: "model.safetensors")
    try start.write(to: url)
    let file = try FileHandle(forWritingTo: url)
    try file.truncate(atOffset: UInt64(start.count + offset))
    try file.close()
  }

  private static var tensors: [(String, [Int])] {
    var tensors = [("model.embed_tokens.weight", [vocabulary, hidden])]
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)"
      for name in ["q", "k", "v", "o"] {
        tensors.append(("\(prefix).self_attn.\(name)_proj.weight", [hidden, hidden]))
      }
      for name in ["gate", "up"] {
        tensors.append(("\(prefix).mlp.\(name)_proj.weight", [feedForward, hidden]))
      }
      tensors.append(("\(prefix).mlp.down_proj.weight", [hidden, feedForward]))
      for name in ["input", "post_attention"] {
        tensors.append(("\(prefix).\(name)_layernorm.weight", [hidden]))
      }
    }
    return tensors + [("model.norm.weight", [hidden])]
  }
}
