import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

struct PlanTests {
  private func plan(
    _ builder: CheckpointBuilder, recipe: String = "{rules: []}",
    options: ConversionOptions = ConversionOptions()
  ) throws -> ConversionPlan {
    let folder = try TemporaryFolder()
    return try Converting.plan(
      try builder.write("model", in: folder), recipe: Converting.recipe(recipe), options: options)
  }

  // MARK: Hash

  @Test func theHashDoesNotDependOnThePath() throws {
    #expect(try plan(SmallLlama.builder()).hash == plan(SmallLlama.builder()).hash)
    #expect(try plan(SmallLlama.builder()).hash.count == 64)
  }

  @Test func theHashDependsOnEverythingThatDecidesTheOutput() throws {
    var moved = SmallLlama.builder()
    moved.tensors.swapAt(0, 1)
    var config = SmallLlama.builder()
    config.config = config.config?.replacing("1e-5", with: "1e-6")
    let f16 = #"{rules: [{match: "*ffn_up*", type: "f16"}]}"#
    let hashes = try [
      plan(SmallLlama.builder()), plan(moved), plan(config), plan(SmallLlama.builder(type: .bf16)),
      plan(SmallLlama.builder(), recipe: f16),
      plan(SmallLlama.builder(), options: ConversionOptions(nonFinite: .zero)),
      plan(SmallLlama.builder(), options: ConversionOptions(draft: .drop)),
      plan(SmallLlama.builder(), options: ConversionOptions(splitMaxByteCount: 8000)),
      plan(SmallLlama.builder(), options: ConversionOptions(modelName: "other")),
    ].map(\.hash)
    #expect(Set(hashes).count == hashes.count)
  }

  /// Weights are not in the plan: they are hashed when they are read.
  @Test func theHashDoesNotDependOnTheWeights() throws {
    let other = SmallLlama.builder("model.norm.weight", row: 0, column: 3, value: 0.25)
    #expect(try plan(other).hash == plan(SmallLlama.builder()).hash)
  }

  /// A cached snapshot is named by its repository, wherever the cache lies.
  @Test func aCachedRepositoryIsNamedInFileAndCertificate() throws {
    let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
    let snapshots = folder.url.appending(path: "models--org--small-llama/snapshots")
    try FileManager.default.createDirectory(at: snapshots, withIntermediateDirectories: true)
    try SmallLlama.builder().write("models--org--small-llama/snapshots/0123abc", in: folder)
    let plan = try ConversionPlan(
      .gguf,
      of:
        Checkpoint.open("org/small-llama@0123abc", environment: ["HF_HUB_CACHE": folder.url.path]),
      recipe: Recipe.load("q8_0", target: .gguf), options: ConversionOptions(), outputName: "out")
    let certificate = try Converting.run(plan, in: output)
    #expect(certificate.repositoryID == "org/small-llama" && certificate.revision == "0123abc")
    let file = try GGUFFile(path: output.path("out.gguf"))
    #expect(file["general.name"] == .text("Small Llama"))
  }

  // MARK: Rules

  @Test func theFirstMatchingRuleWinsAndOthersStayAsTheyAre() throws {
    let plan = try plan(
      SmallLlama.builder(type: .bf16),
      recipe: """
        {rules: [
          {match: "source:*down_proj*", type: "f16"}, {match: "role:feed-forward", type: "q8_0"},
          {match: "*ffn_down*", type: "q4_0"}, {match: "*attn_?.weight", type: "q4_0"},
        ]}
        """)
    let formats = Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.name, $0.format) })
    #expect(formats["blk.0.ffn_down.weight"] == .f16)
    #expect(formats["blk.0.ffn_up.weight"] == .q8_0)
    #expect(formats["blk.0.attn_q.weight"] == .q4_0)
    #expect(formats["blk.0.attn_output.weight"] == .bf16)
    #expect(formats["token_embd.weight"] == .bf16)
    #expect(formats["output_norm.weight"] == .f32)
  }

  @Test(arguments: ["q8_0", "q4_0"])
  func rowsThatBlocksDoNotDivideFallBackToF16(recipe: String) throws {
    let plan = try Converting.plan(testData: "stories260K/f32", recipe: recipe)
    let fallen = plan.tensors.filter { $0.fallbackFrom != nil }
    #expect(fallen.map(\.name) == (0..<5).map { "blk.\($0).ffn_down.weight" })
    #expect(fallen.allSatisfy { $0.format == .f16 && $0.rowLength == 172 })
    #expect(fallen.allSatisfy { $0.fallbackFrom?.rawValue == recipe })
  }

  // MARK: Files

  @Test func aDraftLayerGetsAFileOfItsOwn() throws {
    let keep = try Converting.plan(testData: "tiny-v4/upstream", recipe: "q8_0")
    #expect(keep.files.map(\.name) == ["out.gguf", "out.mtp.gguf"])
    let drop = try Converting.plan(
      testData: "tiny-v4/upstream", recipe: "q8_0", options: ConversionOptions(draft: .drop))
    #expect(drop.files.map(\.name) == ["out.gguf"])
    #expect(drop.warnings.contains { $0.contains("--mtp drop") })
    #expect(drop.files[0].header == keep.files[0].header)
  }

  @Test func theDraftFileNumbersItsBlocksBehindTheModels() throws {
    let folder = try TemporaryFolder()
    try Converting.run(
      Converting.plan(testData: "tiny-v4/base", recipe: "q8_0"), in: folder)
    let file = try GGUFFile(path: folder.path("out.mtp.gguf"))
    #expect(file["deepseek4.block_count"] == .uint32(7))
    #expect(file["deepseek4.nextn_predict_layers"] == .uint32(1))
    #expect(file.tensor(named: "blk.6.nextn.eh_proj.weight")?.dimensions == [512, 256])
    let main = try GGUFFile(path: folder.path("out.gguf"))
    #expect(main["deepseek4.block_count"] == .uint32(6))
    #expect(main["deepseek4.nextn_predict_layers"] == nil)
  }

  @Test func draftStagesOfDSparkAreDroppedWithAWarning() throws {
    let plan = try Converting.plan(testData: "tiny-v4/dspark", recipe: "q8_0")
    #expect(plan.files.map(\.name) == ["out.gguf"])
    #expect(plan.warnings.contains { $0.contains("DSpark") })
  }

  @Test(arguments: [1, 30_000, 200_000, 1 << 30])
  func partsOfASplitKeepTheLimitAndHoldEveryTensorOnce(limit: Int) throws {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(
      testData: "stories260K/f32", recipe: "q8_0",
      options: ConversionOptions(splitMaxByteCount: limit))
    try Converting.run(plan, in: folder)
    var names: [String] = []
    for (number, part) in plan.files.enumerated() {
      let file = try GGUFFile(path: folder.path(part.name))
      #expect(file.byteCount == part.byteCount)
      let bytes = file.tensors.reduce(0) { $0 + $1.range.byteCount }
      #expect(bytes <= limit || file.tensors.count == 1)
      names += file.tensors.map(\.name.text)
      guard plan.files.count > 1 else { continue }
      #expect(file["split.no"] == .uint16(UInt16(number)))
      #expect(file["split.count"] == .uint16(UInt16(plan.files.count)))
      #expect(file["split.tensors.count"] == .int32(Int32(plan.tensors.count)))
      #expect((file["general.architecture"] != nil) == (number == 0))
    }
    #expect(names == plan.tensors.map(\.name))
    #expect(plan.files[0].name == (limit == 1 << 30 ? "out.gguf" : plan.files[0].name))
    #expect(plan.outputByteCount == (try sizes(folder, plan)))
  }

  private func sizes(_ folder: TemporaryFolder, _ plan: ConversionPlan) throws -> Int {
    let files = try Converting.files(folder)
    return plan.files.reduce(0) { $0 + (files[$1.name]?.count ?? 0) }
  }

  /// The number of parts has 16 bits in the file.
  @Test func morePartsThanAFileCanCountAreRefused() throws {
    let layout = GGUFLayout(
      keyValues: [],
      tensors: try Array(
        repeating: #require(
          Converting.plan(testData: "stories260K/f32", recipe: "source").tensors.first),
        count: 70_000),
      firstTensor: 0, name: "out", splitMaxByteCount: 1)
    #expect(throws: ConversionError.self) { try layout.files() }
  }
}
