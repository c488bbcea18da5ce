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
    let expected = try convert(TinyV4.upstream())
    let pure = try convert(TinyV4.transformersNames())
    #expect(pure.tensors == expected.tensors)
    #expect(pure.keyValues == expected.keyValues)
  }

  @Test func theMixtureThatTransformersSavesIsTheSameModel() throws {
    let expected = try convert(TinyV4.upstream())
    let mixed = try convert(TinyV4.savedNames())
    #expect(mixed.tensors == expected.tensors)
    #expect(mixed.keyValues == expected.keyValues)
  }

  @Test(arguments: [false, true])
  func theConfigThatTransformersSavesIsTheSameModel(deriveRotary: Bool) throws {
    let expected = try convert(TinyV4.upstream())
    var builder = try TinyV4.upstream()
    builder.config = try savedConfig(builder.config ?? "", deriveRotary: deriveRotary)
    let saved = try convert(builder)
    #expect(saved.tensors == expected.tensors)
    #expect(saved.keyValues == withoutDraftRatio(expected.keyValues))
  }

  @Test(arguments: [0, -0.5, 0.0001, 1.5, 1e300, 0.0078125])
  func aPartOfTheHeadThatCannotBeRotatedIsRefused(factor: Double) throws {
    var builder = try TinyV4.upstream()
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
    let expected = try convert(TinyV4.upstream())
    var builder = try TinyV4.upstream()
    builder.shardCount = 7
    let sharded = try convert(builder)
    #expect(sharded.tensors == expected.tensors)
    #expect(sharded.keyValues == expected.keyValues)
  }

  @Test func theFP4TypesAreTheSameModel() throws {
    let expected = try convert(TinyV4.upstream())
    for type in [ElementType.u8, .f4] {
      var builder = try TinyV4.upstream()
      for index in builder.tensors.indices where builder.tensors[index].type == .i8 {
        builder.tensors[index].type = type
        if type == .f4 { builder.tensors[index].shape[1] *= 2 }
      }
      #expect(try convert(builder).tensors == expected.tensors, "\(type)")
    }
  }

  @Test func anI32TableIsTheSameAsAnI64Table() throws {
    let expected = try convert(TinyV4.upstream())
    var builder = try TinyV4.upstream()
    for index in builder.tensors.indices where builder.tensors[index].type == .i64 {
      let bytes = builder.tensors[index].bytes
      builder.tensors[index].type = .i32
      builder.tensors[index].bytes = bytes.indices.filter { $0 % 8 < 4 }.map { bytes[$0] }
    }
    #expect(try convert(builder).tensors == expected.tensors)
  }
}
