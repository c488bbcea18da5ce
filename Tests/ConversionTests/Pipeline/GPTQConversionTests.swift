import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

struct GPTQConversionTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let stories = "stories260K/f32"
  private static let recipe = """
    {rules: [{match: "*attn_q*", type: "q4_0", method: "gptq"},
             {match: "*attn_k*", type: "q5_0", method: "gptq", actOrder: true},
             {match: "*attn_v*", type: "q4_0"}]}
    """

  /// Statistics of the five layers of stories260K.
  private static func statistics(widths: [Int] = [64], leaving: String? = nil) -> CalibrationBuilder
  {
    var builder = CalibrationBuilder()
    for layer in 0..<5 {
      let name = "blk.\(layer).attn_q.weight"
      if name != leaving { builder.add(name, widths: widths) }
      builder.metadata.append((key: "inputs of blk.\(layer).attn_k.weight", value: name))
    }
    return builder
  }

  private func plan(
    _ statistics: String?, recipe: String = recipe, of path: String = stories
  ) throws -> ConversionPlan {
    try ConversionPlan(
      .gguf,
      of:
        Checkpoint.open(TestData.url(path).path, environment: [:]),
      recipe: Converting.recipe(recipe), options: .init(),
      calibration: statistics.map { try Calibration(path: $0) }, outputName: "out")
  }

  private func problem(_ statistics: String?, recipe: String = recipe) -> String {
    do {
      _ = try plan(statistics, recipe: recipe)
      return "none"
    } catch { return "\(error)" }
  }

  @Test func theCertificateNamesMethodAndStatistics() throws {
    let path = try Self.statistics().write(to: folder)
    let output = try TemporaryFolder()
    let certificate = try Converting.run(plan(path), in: output)
    #expect(certificate.calibration?.name == "statistics.safetensors")
    #expect(certificate.calibration?.hash.utf8.count == 64)
    let row = try #require(certificate.rows.first { $0.name == "blk.0.attn_q.weight" })
    #expect(row.method == "gptq" && row.classification == .measured)
    #expect(row.calibration?.unseenExpertCount == 0)
    let plain = try #require(certificate.rows.first { $0.name == "blk.0.attn_v.weight" })
    #expect(plain.calibration == nil)
    let read = try Certificate(path: output.path("out.gguf.certificate.json"))
    #expect(read == certificate)
  }

  @Test func bytesDoNotDependOnThreadsOrKernels() throws {
    let plan = try plan(Self.statistics(widths: [32, 32]).write(to: folder))
    let first = try TemporaryFolder()
    try Converting.run(plan, in: first, threads: 1)
    let expected = try Converting.files(first)
    for kernels in RowKernels.available {
      let other = try TemporaryFolder()
      try Converting.run(plan, in: other, threads: 3, kernels: kernels)
      #expect(try Converting.files(other) == expected)
    }
  }

  @Test func anotherFileOrOrderIsAnotherPlan() throws {
    let path = try Self.statistics().write(to: folder)
    let other = try Self.statistics(widths: [32, 32]).write(to: folder, "other.safetensors")
    let reordered = Self.recipe.replacing(", actOrder: true", with: "")
    let hashes = [
      try plan(path).hash, try plan(other).hash, try plan(path, recipe: reordered).hash,
    ]
    #expect(Set(hashes).count == 3)
    #expect(try plan(path).hash == hashes[0])
  }

  @Test func expertsWithoutStatisticsAreEncodedAsOptimalAndCounted() throws {
    let recipe =
      #"{rules: [{match: "blk.2.ffn_gate_exps.weight", type: "q4_0", method: "METHOD"}]}"#
    let model = "tiny-v4/upstream"
    let optimal = try plan(nil, recipe: recipe.replacing("METHOD", with: "optimal"), of: model)
    let tensor = try #require(optimal.tensors.first { $0.name == "blk.2.ffn_gate_exps.weight" })
    var counts = [Int](repeating: 7, count: tensor.expertCount)
    counts[1] = 0
    var builder = CalibrationBuilder()
    builder.add(tensor.name, widths: [32, tensor.rowLength - 32], counts: counts)
    let gptq = try plan(
      builder.write(to: folder), recipe: recipe.replacing("METHOD", with: "gptq"), of: model)
    let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
    try Converting.run(optimal, in: first)
    let certificate = try Converting.run(gptq, in: second)
    let row = try #require(certificate.rows.first { $0.name == tensor.name })
    #expect(row.calibration?.unseenExpertCount == 1)
    let left = try #require(Converting.tensors(first.path("out.gguf"))[tensor.name]).bytes
    let right = try #require(Converting.tensors(second.path("out.gguf"))[tensor.name]).bytes
    let size = tensor.byteCount(rows: tensor.rowsPerExpert)
    #expect(left[..<size] != right[..<size])
    #expect(left[size..<2 * size] == right[size..<2 * size])
    #expect(left[(2 * size)...] != right[(2 * size)...])
  }

  @Test func withoutStatisticsThePlanIsRefused() throws {
    #expect(problem(nil).contains(": method gptq needs calibration statistics"))
  }

  @Test func statisticsOfAnotherModelAreRefused() throws {
    let missing = try Self.statistics(leaving: "blk.3.attn_q.weight").write(to: folder)
    #expect(problem(missing).contains("inputs of blk.3.attn_k.weight"))
    let narrow = try Self.statistics(widths: [32]).write(to: folder, "narrow")
    #expect(problem(narrow).contains("32 columns, 1 counts"))
    let odd = try Self.statistics(widths: [16, 48]).write(to: folder, "odd")
    #expect(problem(odd).contains("whole blocks of Q4_0, 32 columns each"))
    let recipe = #"{rules: [{match: "*attn_v*", type: "q4_0", method: "gptq"}]}"#
    #expect(
      try problem(Self.statistics().write(to: folder, "v"), recipe: recipe)
        .contains("\"blk.0.attn_v.weight\": found no such entry"))
  }

  @Test func aNaNInTheStatisticsIsRefused() throws {
    var builder = CalibrationBuilder()
    builder.add("blk.0.attn_q.weight", widths: [64]) { $0[5] = .nan }
    #expect(try problem(builder.write(to: folder)).contains("row 0, column 5: found nan"))
  }
}
