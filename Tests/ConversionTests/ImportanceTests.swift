import QuernCertificates
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

struct ImportanceTests {
  private static let query = "blk.0.attn_q.weight"
  private static let q4_0 = #"{rules: [{match: "*attn_q*", type: "q4_0"}]}"#

  private func importance(_ entries: [ImatrixFixture.Entry], legacy: Bool = false) throws
    -> Importance
  {
    let folder = try TemporaryFolder()
    let fixture = ImatrixFixture(entries)
    let bytes = legacy ? fixture.legacy() : try fixture.gguf()
    return try Importance(path: try folder.write("data.imatrix", bytes))
  }

  private func planned(
    _ entries: [ImatrixFixture.Entry], recipe: String = q4_0, legacy: Bool = false
  )
    throws -> ConversionPlan
  {
    let folder = try TemporaryFolder()
    return try Converting.plan(
      try WideLlama.builder(layers: 1).write("model", in: folder),
      recipe: Converting.recipe(recipe), importance: try importance(entries, legacy: legacy))
  }

  private func entry(_ name: String, width: Int = 256, hot: Int = 0) -> ImatrixFixture.Entry {
    .init(name, sums: (0..<width).map { $0 == hot ? 1000 : 1 }, counts: [4])
  }

  // MARK: Refusals

  @Test(arguments: [128, 255, 257, 512]) func anotherWidthIsRefused(width: Int) throws {
    let error = #expect(throws: ConversionError.self) {
      try planned([entry(Self.query, width: width)])
    }
    #expect(error?.description.contains(Self.query) ?? false)
    #expect(error?.description.contains("256 columns") ?? false)
    // Also where the tensor would not use it.
    #expect(throws: ConversionError.self) {
      try planned([entry(Self.query, width: width)], recipe: "{rules: []}")
    }
  }

  @Test func dataForAnotherModelAreRefusedAndFurtherEntriesAreAWarning() throws {
    let error = #expect(throws: ConversionError.self) {
      try planned([entry("blk.7.attn_q.weight")])
    }
    #expect(error?.description.contains("another model") ?? false)
    let plan = try planned([entry(Self.query), entry("blk.7.attn_q.weight")])
    #expect(plan.warnings.contains { $0.contains("1 of 2 entries") })
  }

  @Test func aFileThatIsNotThereIsNoInput() {
    let error = #expect(throws: ConversionError.self) { try Importance(path: "/none.gguf") }
    guard case .checkpoint(.notFound) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  // MARK: Plans

  @Test func theHashDependsOnTheDataAndTheName() throws {
    let folder = try TemporaryFolder()
    let model = try WideLlama.builder(layers: 1).write("model", in: folder)
    let bytes = try ImatrixFixture([entry(Self.query)]).gguf()
    let other = try ImatrixFixture([entry(Self.query, hot: 3)]).gguf()
    let paths = [
      try folder.write("a", bytes), try folder.write("b", bytes), try folder.write("c", other),
    ]
    let hashes = try paths.map {
      try Converting.plan(
        model, recipe: Converting.recipe(Self.q4_0), importance: Importance(path: $0)
      ).hash
    }
    let without = try Converting.plan(model, recipe: Converting.recipe(Self.q4_0)).hash
    #expect(Set(hashes + [without]).count == 4)
  }

  @Test func tensorsWithoutDataAreCounted() throws {
    let both = #"{rules: [{match: "*attn_?.weight", type: "q4_0"}]}"#
    let summary = try #require(try planned([entry(Self.query)], recipe: both).importanceSummary)
    #expect(summary.weightedTensorCount == 1)
    #expect(summary.tensorsWithoutData == ["blk.0.attn_k.weight", "blk.0.attn_v.weight"])
  }

  @Test(arguments: ["absmax", "optimal"]) func onlySearchesAreWeighted(method: String) throws {
    let recipe = #"{rules: [{match: "*attn_q*", type: "q4_0", method: "METHOD"}]}"#
    let plan = try planned([entry(Self.query)], recipe: recipe.replacing("METHOD", with: method))
    let tensor = try #require(plan.tensors.first { $0.name == Self.query })
    #expect((tensor.importance != nil) == (method == "optimal"))
  }

  // MARK: Errors

  /// The squared error of one column of the query.
  private func columnError(_ plan: ConversionPlan, _ column: Int) throws -> (
    error: Double, row: CertificateRow
  ) {
    let output = try TemporaryFolder()
    let certificate = try Converting.run(plan, in: output)
    let tensors = try Converting.tensors(output.path("out.gguf"))
    let exact = try Converting.plan(
      plan.checkpoint.folder, recipe: Converting.recipe("{rules: []}"))
    let reference = try TemporaryFolder()
    try Converting.run(exact, in: reference)
    let source = try #require(try Converting.tensors(reference.path("out.gguf"))[Self.query])
    let stored = try #require(tensors[Self.query])
    let x = try #require(ReferenceDecoder.decode(.bf16, source.bytes))
    let y = try #require(ReferenceDecoder.decode(.q4_0, stored.bytes))
    let error = stride(from: column, to: x.count, by: 256).reduce(0.0) { sum, index in
      sum + Double((x[index] - y[index]) * (x[index] - y[index]))
    }
    return (error, try #require(certificate.rows.first { $0.name == Self.query }))
  }

  @Test(arguments: [false, true])
  func theErrorOfAColumnThatCountsFalls(legacy: Bool) throws {
    let folder = try TemporaryFolder()
    let model = try WideLlama.builder(layers: 1).write("model", in: folder)
    let recipe = try Converting.recipe(Self.q4_0)
    let data = try importance([entry(Self.query, hot: 77)], legacy: legacy)
    let weighted = try columnError(
      Converting.plan(model, recipe: recipe, importance: data), 77)
    let plain = try columnError(Converting.plan(model, recipe: recipe), 77)
    #expect(weighted.error < plain.error / 2)
    #expect(weighted.row.sums.noise > plain.row.sums.noise)
    let sums = try #require(weighted.row.importance)
    #expect(sums.noise > 0 && sums.signal > sums.noise && plain.row.importance == nil)
  }

  @Test func certificateAndSumsAreTheSameForAnyNumberOfThreads() throws {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(
      try WideLlama.builder(layers: 1).write("model", in: folder),
      recipe: Converting.recipe(Self.q4_0), importance: try importance([entry(Self.query)]))
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    let first = try Converting.run(plan, in: folders[0], threads: 1)
    #expect(try Converting.run(plan, in: folders[1], threads: 3) == first)
    #expect(first.imatrix?.name == "data.imatrix")
  }

  // MARK: Experts

  @Test func expertsHaveWeightsOfTheirOwn() throws {
    let plain = try Converting.plan(
      testData: "tiny-v4/upstream", recipe: "q4_0", options: .init(draft: .drop))
    let tensor = try #require(plain.tensors.first { $0.name == "blk.0.ffn_down_exps.weight" })
    let (experts, width) = (tensor.expertCount, tensor.rowLength)
    #expect(experts > 2)
    var counts = [Float](repeating: 8, count: experts)
    counts[1] = 0
    let sums = (0..<experts * width).map { $0 / width == 2 ? Float(1 + $0 % width) : 8 }
    let data = try importance([.init(tensor.name, sums: sums, counts: counts)])
    let plan = try Converting.plan(
      TestData.url("tiny-v4/upstream").path, recipe: Recipe.load("q4_0", target: .gguf),
      options: .init(draft: .drop), importance: data)
    #expect(plan.importanceSummary?.unseenExpertCount == experts - 1)
    let output = try TemporaryFolder()
    let row = try #require(
      try Converting.run(plan, in: output).rows.first { $0.name == tensor.name })
    #expect(row.importance?.unseenExpertCount == experts - 1)
    // The third expert alone has columns that count differently.
    let other = try TemporaryFolder()
    try Converting.run(plain, in: other)
    let bytes = try #require(try Converting.tensors(output.path("out.gguf"))[tensor.name]).bytes
    let same = try #require(try Converting.tensors(other.path("out.gguf"))[tensor.name]).bytes
    let size = bytes.count / experts
    #expect(bytes[2 * size..<3 * size] != same[2 * size..<3 * size])
  }
}
