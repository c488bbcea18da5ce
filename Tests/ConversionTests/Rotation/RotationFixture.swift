import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport

@testable import QuernConversion

/// Plans and conversions with a rotation.
enum Rotating {
  static let f32 = #"{rules: [{match: "*", type: "f32"}]}"#

  static func recipe(_ text: String, _ target: ConversionTarget) throws -> Recipe {
    try Recipe.parse(Array(text.utf8), name: "own.json5", target: target)
  }

  static func plan(
    _ checkpoint: Checkpoint, to target: ConversionTarget = .compressedTensors,
    recipe: String = "{rules: []}", draft: ConversionOptions.Draft = .keep, rotates: Bool = true
  ) throws -> ConversionPlan {
    try ConversionPlan(
      target, of: checkpoint, recipe: Self.recipe(recipe, target),
      options: ConversionOptions(draft: draft, rotates: rotates), outputName: "out")
  }

  /// A folder of `testdata/`, or a family there that is made of small numbers.
  static func open(_ path: String, in folder: TemporaryFolder) throws -> Checkpoint {
    guard path.hasPrefix("families/") else {
      return try Checkpoint.open(TestData.url(path).path, environment: [:])
    }
    let family = String(path.dropFirst("families/".count))
    return try Checkpoint.open(
      CheckpointBuilder(family: family).write(family, in: folder), environment: [:])
  }

  /// A Llama of one layer with a head of its own, biases of what writes hidden states, and norms whose
  /// weights differ.
  static func llama(width: Int = 64) -> CheckpointBuilder {
    let block = "model.layers.0."
    let shapes: [(String, [Int])] = [
      ("model.embed_tokens.weight", [96, width]), ("lm_head.weight", [96, width]),
      ("model.norm.weight", [width]), (block + "input_layernorm.weight", [width]),
      (block + "self_attn.q_proj.weight", [width, width]),
      (block + "self_attn.k_proj.weight", [width, width]),
      (block + "self_attn.v_proj.weight", [width, width]),
      (block + "self_attn.o_proj.weight", [width, width]),
      (block + "self_attn.q_proj.bias", [width]), (block + "self_attn.k_proj.bias", [width]),
      (block + "self_attn.v_proj.bias", [width]), (block + "self_attn.o_proj.bias", [width]),
      (block + "post_attention_layernorm.weight", [width]),
      (block + "mlp.gate_proj.weight", [128, width]), (block + "mlp.up_proj.weight", [128, width]),
      (block + "mlp.down_proj.weight", [width, 128]), (block + "mlp.gate_proj.bias", [128]),
      (block + "mlp.up_proj.bias", [128]), (block + "mlp.down_proj.bias", [width]),
    ]
    var generator = SeededGenerator(seed: 11)
    return CheckpointBuilder(
      tensors: shapes.map { name, shape in
        let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator)
        }
        return .init(name, .f32, shape, [UInt8](floats: values))
      },
      config: """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1,
         "max_position_embeddings": 64, "hidden_size": \(width), "intermediate_size": 128,
         "num_attention_heads": 4, "vocab_size": 96, "rms_norm_eps": 1e-5,
         "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": false}
        """)
  }

  @discardableResult static func run(
    _ plan: ConversionPlan, _ name: String, in folder: TemporaryFolder, threads: Int = 2
  ) throws -> Certificate {
    try Conversion(
      plan, outputPath: folder.path(name), threadCount: threads, durable: false
    ).run()
  }

  /// The values of the F32 tensors of a folder.
  static func values(_ folder: URL) throws -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
    where name.hasSuffix(".safetensors") {
      let path = folder.appending(path: name).path
      let input = try InputFile(path: path)
      for tensor in try SafetensorsFile(path: path).tensors where tensor.elementType == .f32 {
        let bytes = try input.bytes(in: tensor.range)
        values[tensor.name.text] = bytes.withUnsafeBytes { bytes in
          (0..<bytes.count / 4).map { Float(bitPattern: bytes.littleEndianUInt32(at: 4 * $0)) }
        }
      }
    }
    return values
  }
}
