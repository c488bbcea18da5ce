import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct ModelFreeRuntimeMapTests {
  /// A folder with one matrix of 8×8 under a name.
  private func tensor(_ name: String, shape: [Int] = [8, 8]) throws -> RuntimeTensor {
    let folder = try TemporaryFolder()
    let bytes = [UInt8](repeating: 0, count: 2 * shape.reduce(1, *))
    let builder = CheckpointBuilder(tensors: [.init(name, .bf16, shape, bytes)], config: "{}")
    let path = try builder.write("model", in: folder)
    let map = RuntimeMap.withoutTable(try Checkpoint.open(path, environment: [:]))
    #expect(map.tensors.count == 1 && map.dropped.isEmpty)
    return try #require(map.tensors.first)
  }

  @Test(arguments: [
    ("h.0.attn.q_proj.weight", "h.0.attn.qkv_proj"),
    ("h.0.attn.k_proj.weight", "h.0.attn.qkv_proj"),
    ("h.0.mlp.gate_proj.weight", "h.0.mlp.gate_up_proj"),
    ("h.0.mlp.up_proj.weight", "h.0.mlp.gate_up_proj"), ("h.0.mlp.down_proj.weight", nil),
    ("h.0.mlp.experts.7.w1.weight", "h.0.mlp.experts"), ("proj.weight", nil),
  ])
  func matricesAreModules(name: String, fusedWith: String?) throws {
    let tensor = try tensor(name)
    #expect(tensor.name == name && tensor.shape == [8, 8])
    let module = try #require(tensor.module)
    #expect(module.kind == (name.contains("experts") ? .expert : .linear))
    #expect(module.split == .none && module.floatReason == nil)
    #expect(module.fusedWith == fusedWith)
  }

  @Test(arguments: [
    "model.embed_tokens.weight", "transformer.wte.weight", "visual.patch_embed.proj.weight",
    "lm_head.weight", "head.weight", "score_head.weight", "h.0.input_layernorm.weight",
    "h.0.ln_1.weight", "h.0.mlp.gate.weight", "h.0.block_sparse_moe.gate.weight",
    "h.0.mlp.router.weight", "h.0.mlp.shared_expert_gate.weight", "h.0.mlp.experts.gate_up_proj",
    "h.0.attn.bias", "matrix",
  ])
  func embeddingsHeadsNormsAndRoutersAreNone(name: String) throws {
    #expect(try tensor(name).module == nil)
  }

  @Test(arguments: [[8], [2, 4, 8]])
  func onlyMatricesAreModules(shape: [Int]) throws {
    #expect(try tensor("h.0.mlp.down_proj.weight", shape: shape).module == nil)
  }

  @Test func everyTensorOfAFolderIsCopied() throws {
    let checkpoint = try Checkpoint.open(
      TestData.url("tiny-v4/upstream").path, environment: [:])
    let map = RuntimeMap.withoutTable(checkpoint)
    #expect(map.tensors.map(\.name) == checkpoint.tensors.map(\.name.text))
    let tables = map.tensors.filter(\.isInteger)
    #expect(tables.count == 3 && tables.allSatisfy { $0.name.hasSuffix("tid2eid") })
  }
}
