import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct RuntimeMapTests {
  private func open(_ path: String) throws -> Checkpoint {
    try Checkpoint.open(TestData.url(path).path, environment: [:])
  }

  private func map(_ checkpoint: Checkpoint, keepsDraft: Bool = true) throws -> RuntimeMap {
    try RuntimeMap(
      checkpoint: checkpoint,
      parameters: ModelFamily.parameters(of: checkpoint, keepsDraft: keepsDraft))
  }

  private func tensor(_ name: String, in map: RuntimeMap) throws -> RuntimeTensor {
    try #require(map.tensors.first { $0.name == name }, "\(name)")
  }

  /// A linear module of vllm-ascend's own DeepSeek-V4 classes.
  private struct Module {
    let shape: [Int]
    let isExpert: Bool
    let isRowParallel: Bool
    let isQuantizable: Bool
  }

  /// Modules and the shapes of everything else, as the runtime's classes have them.
  private func loaded() throws -> (modules: [String: Module], others: [String: [Int]]) {
    let bytes = [UInt8](try Data(contentsOf: TestData.url("ascend/v4-modules.json")))
    let root = try #require(try JSONValue(parsing: bytes).object)
    var modules: [String: Module] = [:]
    for member in root["modules"]?.object?.members ?? [] {
      let fields = try #require(member.value.array)
      modules[member.key + ".weight"] = Module(
        shape: fields.prefix(2).compactMap(\.integer), isExpert: fields[2].string == "moe",
        isRowParallel: fields[3].bool == true, isQuantizable: fields[4].bool == true)
    }
    var others: [String: [Int]] = [:]
    for member in root["others"]?.object?.members ?? [] {
      others[member.key] = (member.value.array ?? []).compactMap(\.integer)
    }
    return (modules, others)
  }

  // MARK: DeepSeek-V4

  @Test(arguments: ["upstream", "base"])
  func everyTensorOfV4IsOneThatTheRuntimeLoads(folder: String) throws {
    let map = try map(open("tiny-v4/\(folder)"))
    let (modules, others) = try loaded()
    let shapes = others.merging(modules.mapValues(\.shape)) { first, _ in first }
    #expect(Set(map.tensors.map(\.name)) == Set(shapes.keys))
    #expect(map.tensors.count == shapes.count)
    for tensor in map.tensors {
      #expect(tensor.shape == shapes[tensor.name], "\(tensor.name)")
      #expect(tensor.isDraft == tensor.name.hasPrefix("mtp."))
    }
  }

  @Test func modulesOfV4AreBuiltAsTheRuntimeBuildsThem() throws {
    let map = try map(open("tiny-v4/upstream"))
    let (modules, _) = try loaded()
    for (name, expected) in modules {
      let module = try #require(try tensor(name, in: map).module, "\(name)")
      #expect((module.kind == .expert) == expected.isExpert, "\(name)")
      #expect((module.split == .columns) == expected.isRowParallel, "\(name)")
      #expect((module.floatReason == nil) == expected.isQuantizable, "\(name)")
    }
    for tensor in map.tensors where modules[tensor.name] == nil {
      #expect(tensor.module.map { $0.floatReason != nil } ?? true, "\(tensor.name)")
    }
  }

  @Test func membersOfFusedModulesOfV4ShareAKey() throws {
    let map = try map(open("tiny-v4/upstream"))
    let keys = Dictionary(grouping: map.tensors) { $0.module?.fusedWith ?? "" }
    #expect(keys["layers.3.ffn.experts"]?.count == 24)
    #expect(
      keys["layers.3.ffn.shared_experts.gate_up_proj"]?.map(\.name) == [
        "layers.3.ffn.shared_experts.w1.weight", "layers.3.ffn.shared_experts.w3.weight",
      ])
    #expect(keys["mtp.0.ffn.experts"]?.count == 24)
    #expect(keys.count == 1 + 7 * 2)
  }

  @Test func theDraftLayerRepeatsEmbeddingAndHeadOnlyWhereItLacksThem() throws {
    for (folder, isOwn) in [("upstream", false), ("base", true)] {
      let checkpoint = try open("tiny-v4/\(folder)")
      let map = try map(checkpoint)
      for (name, main) in [
        ("mtp.0.emb.tok_emb.weight", "embed.weight"), ("mtp.0.head.weight", "head.weight"),
      ] {
        let source = try #require(try tensor(name, in: map).expression.sources.first).tensor
        #expect(checkpoint.tensors[source].name.text == (isOwn ? name : main))
      }
    }
  }

  @Test func everySourceOfV4IsLoadedOrDropped() throws {
    for folder in ["upstream", "base", "dspark"] {
      let checkpoint = try open("tiny-v4/\(folder)")
      let map = try map(checkpoint)
      #expect(map.dropped.isEmpty)
      let used = Set(map.tensors.flatMap(\.expression.sources).map(\.tensor))
      #expect(used.count == checkpoint.tensors.count)
    }
  }

  @Test func stagesOfDSparkKeepTheirNames() throws {
    let checkpoint = try open("tiny-v4/dspark")
    let map = try map(checkpoint)
    #expect(Set(map.tensors.map(\.name)) == Set(checkpoint.tensors.map(\.name.text)))
    #expect(map.tensors.count == checkpoint.tensors.count)
    #expect(try tensor("mtp.0.main_proj.weight", in: map).module?.floatReason != nil)
    #expect(try tensor("mtp.1.attn.wq_b.weight", in: map).module?.split == .rows)
    // One module projects the context for all stages.
    let stacked = map.tensors.filter { $0.module?.fusedWith == "mtp.context_wkv_proj" }
    #expect(stacked.map(\.name) == (0..<3).map { "mtp.\($0).attn.wkv.weight" })
  }

  @Test(arguments: ["upstream", "dspark"])
  func draftsAreDroppedWhenNotAskedFor(folder: String) throws {
    let map = try map(open("tiny-v4/\(folder)"), keepsDraft: false)
    #expect(map.tensors.allSatisfy { !$0.isDraft && !$0.name.hasPrefix("mtp.") })
    #expect(!map.dropped.isEmpty && map.dropped.allSatisfy { $0.reason.contains("--mtp drop") })
  }

  @Test func theBiasOfAHashLayerIsDroppedForItsReason() throws {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    builder.tensors.append(
      .init("layers.0.ffn.gate.bias", .f32, [8], [UInt8](repeating: 0, count: 32)))
    let path = try builder.write("model", in: folder)
    let map = try map(Checkpoint.open(path, environment: [:]))
    #expect(map.dropped.map(\.name) == ["layers.0.ffn.gate.bias"])
    #expect(map.dropped[0].reason.contains("routes by its table"))
  }

  @Test func dialectsOfV4ComeOutInUpstreamNames() throws {
    let folder = try TemporaryFolder()
    let open = { (builder: CheckpointBuilder, name: String) in
      try Checkpoint.open(try builder.write(name, in: folder), environment: [:])
    }
    let expected = try map(open(TinyV4.upstream(), "upstream"))
    let saved = try map(open(TinyV4.savedNames(), "saved"))
    let checkpoint = try open(TinyV4.transformersNames(), "transformers")
    let pure = try map(checkpoint)
    #expect(saved.tensors.map(\.name) == expected.tensors.map(\.name))
    #expect(pure.tensors.map(\.name) == expected.tensors.map(\.name))
    #expect(pure.tensors.map(\.module) == expected.tensors.map(\.module))
    #expect(pure.dropped.isEmpty && !pure.tensors.contains(where: { $0.isDraft }))
    // The rows of expert 5: its gate in the upper half of 256 rows, its up projection in the lower.
    for (matrix, source, first, count) in [
      ("w1", "gate_up_proj", 5 * 256, 128), ("w3", "gate_up_proj", 5 * 256 + 128, 128),
      ("w2", "down_proj", 5 * 256, 256),
    ] {
      let expert = try tensor("layers.3.ffn.experts.5.\(matrix).weight", in: pure)
      let rows = try #require(expert.expression.sources.first)
      let name = "model.layers.3.mlp.experts.\(source)"
      #expect(checkpoint.tensors[rows.tensor].name.text == name)
      #expect(rows.firstRow == first && rows.rowCount == count && expert.shape[0] == count)
    }
  }

  // MARK: Families in transformers' names

  @Test(arguments: ["stories260K/f32", "stories260K/bf16-3shard"])
  func aLlamaKeepsItsNamesAndItsHeadIsAbsentWhenTied(folder: String) throws {
    let checkpoint = try open(folder)
    let map = try map(checkpoint)
    #expect(Set(map.tensors.map(\.name)) == Set(checkpoint.tensors.map(\.name.text)))
    #expect(map.dropped.isEmpty && !map.tensors.contains { $0.role == .output })
    let query = try tensor("model.layers.2.self_attn.q_proj.weight", in: map)
    guard case .copy = query.expression else {
      Issue.record("\(query.expression)")
      return
    }
    #expect(query.module?.fusedWith == "model.layers.2.self_attn.qkv_proj")
    #expect(query.module?.split == .rows)
    #expect(try tensor("model.layers.2.mlp.down_proj.weight", in: map).module?.split == .columns)
  }

  @Test func namesWithoutThePrefixGetIt() throws {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
    for index in builder.tensors.indices {
      builder.tensors[index].name.replace("model.", with: "", maxReplacements: 1)
    }
    let path = try builder.write("model", in: folder)
    let bare = try map(Checkpoint.open(path, environment: [:]))
    let plain = try map(open("stories260K/f32"))
    #expect(bare.tensors.map(\.name) == plain.tensors.map(\.name))
  }

  private func family(_ name: String, _ change: (inout CheckpointBuilder) -> Void = { _ in }) throws
    -> (checkpoint: Checkpoint, map: RuntimeMap)
  {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(family: name)
    change(&builder)
    let checkpoint = try Checkpoint.open(try builder.write(name, in: folder), environment: [:])
    return (checkpoint, try map(checkpoint))
  }

  @Test(arguments: [
    "llama", "llama-rope-scaled", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "mixtral",
    "deepseek-v3",
  ])
  func familiesKeepTheNamesOfTheirFolders(name: String) throws {
    let (checkpoint, map) = try family(name)
    #expect(Set(map.tensors.map(\.name)) == Set(checkpoint.tensors.map(\.name.text)))
    #expect(map.tensors.count == checkpoint.tensors.count && map.dropped.isEmpty)
    for tensor in map.tensors where tensor.shape.count == 2 {
      let isModule = ![.embedding, .output].contains(tensor.role)
      #expect((tensor.module != nil) == isModule, "\(tensor.name)")
    }
  }

  @Test func expertsOfALayerAreOneModuleAndTheRouterStaysFloat() throws {
    for (name, path) in [
      ("qwen2-moe", "mlp"), ("qwen3-moe", "mlp"), ("mixtral", "block_sparse_moe"),
    ] {
      let (_, map) = try family(name)
      let fused = map.tensors.filter { $0.module?.fusedWith == "model.layers.1.\(path).experts" }
      #expect(fused.count % 3 == 0 && fused.count >= 12)
      #expect(fused.allSatisfy { $0.module?.kind == .expert && $0.role == .routedExpert })
      let gate = try tensor("model.layers.1.\(path).gate.weight", in: map)
      #expect(gate.module?.floatReason != nil)
    }
  }

  // MARK: DeepSeek-V3

  @Test func attentionOfDeepSeekV3IsBuiltAsTheRuntimeBuildsIt() throws {
    let (_, map) = try family("deepseek-v3")
    let prefix = "model.layers.0.self_attn."
    let module = { (name: String) in try tensor(prefix + name + ".weight", in: map).module }
    #expect(try module("q_a_proj")?.fusedWith == prefix + "fused_qkv_a_proj")
    #expect(try module("kv_a_proj_with_mqa")?.fusedWith == prefix + "fused_qkv_a_proj")
    #expect(try module("q_a_proj")?.split == RuntimeModule.Split.none)
    #expect(try module("q_b_proj")?.split == .rows)
    #expect(try module("o_proj")?.split == .columns)
    #expect(try module("kv_b_proj")?.floatReason?.contains("absorbs") == true)
    let dense = try tensor("model.layers.0.mlp.up_proj.weight", in: map)
    #expect(dense.module?.fusedWith == "model.layers.0.mlp.gate_up_proj")
  }

  /// Layer 2 once more as a draft layer behind the model's layers.
  private func addDraftLayer(to builder: inout CheckpointBuilder) {
    for tensor in builder.tensors where tensor.name.hasPrefix("model.layers.2.") {
      var copy = tensor
      copy.name.replace("layers.2.", with: "layers.3.")
      builder.tensors.append(copy)
    }
    for (name, shape) in [
      ("enorm", [128]), ("hnorm", [128]), ("shared_head.norm", [128]), ("eh_proj", [128, 256]),
    ] {
      let bytes = [UInt8](repeating: 0, count: 2 * shape.reduce(1, *))
      builder.tensors.append(.init("model.layers.3.\(name).weight", .bf16, shape, bytes))
    }
  }

  @Test func theDraftLayerOfDeepSeekV3StandsBehindTheOthers() throws {
    let (checkpoint, map) = try family("deepseek-v3") { addDraftLayer(to: &$0) }
    let draft = map.tensors.filter(\.isDraft)
    #expect(draft.allSatisfy { $0.name.hasPrefix("model.layers.3.") })
    #expect(draft.contains { $0.name == "model.layers.3.mlp.experts.7.down_proj.weight" })
    #expect(try tensor("model.layers.3.eh_proj.weight", in: map).module?.floatReason != nil)
    for (name, main) in [
      ("embed_tokens", "model.embed_tokens.weight"), ("shared_head.head", "lm_head.weight"),
    ] {
      let copy = try tensor("model.layers.3.\(name).weight", in: map)
      #expect(checkpoint.tensors[copy.expression.sources[0].tensor].name.text == main)
    }
    let without = try self.map(checkpoint, keepsDraft: false)
    #expect(without.tensors.allSatisfy { !$0.isDraft })
    #expect(without.dropped.count == draft.count - 2)
  }

  @Test func anUnknownTensorInAMainLayerIsNoDraft() throws {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(family: "deepseek-v3")
    builder.tensors.append(
      .init("model.layers.2.extra.weight", .bf16, [2], [UInt8](repeating: 0, count: 4)))
    let checkpoint = try Checkpoint.open(try builder.write("model", in: folder), environment: [:])
    #expect(throws: CheckpointError.self) { try map(checkpoint, keepsDraft: false) }
  }
}
