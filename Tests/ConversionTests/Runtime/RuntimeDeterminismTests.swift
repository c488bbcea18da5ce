import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Folders depend on the inputs and the recipe alone.
struct RuntimeDeterminismTests {
  private static let group32 = """
    {rules: [{match: "*.down_proj.weight", type: "w8a8"},
             {match: "role:attention", type: "w4a16_g32"},
             {match: "role:feed-forward", type: "w8a16_g64"}]}
    """

  private static let cases: [(String, String, ConversionTarget, ConversionOptions.Relayout?)] = [
    ("tiny-v4/upstream", "w4a8", .ascend, .nz), ("tiny-v4/base", "w8a8", .ascend, nil),
    ("stories260K/bf16-3shard", group32, .compressedTensors, nil),
  ]

  @Test(arguments: cases)
  func filesAndCertificatesAreTheSameForThreadsAndKernels(
    checkpoint: String, recipe: String, target: ConversionTarget,
    relayout: ConversionOptions.Relayout?
  ) throws {
    let plan = try Folders.plan(
      testData: checkpoint, recipe, to: target, options: ConversionOptions(relayout: relayout))
    var expected: [String: Data] = [:]
    // The best level runs with 2 threads among the levels.
    let runs = [1, 7].map { ($0, RowKernels.best) } + RowKernels.available.map { (2, $0) }
    for (threads, kernels) in runs {
      let folder = try TemporaryFolder()
      try Folders.run(plan, in: folder, threads: threads, kernels: kernels)
      let files = try WrittenFolder.files(folder.path("out"))
      if expected.isEmpty { expected = files }
      #expect(files == expected, "\(threads) threads, \(kernels.levelName)")
    }
    for file in plan.files { #expect(expected[file.name]?.count == file.byteCount) }
    #expect(expected.count == plan.files.count + 1)
    #expect(expected.keys.contains("nz/fractal_nz-00001-of-00001.safetensors") == (relayout != nil))
  }

  @Test func aRelayoutDoesNotChangeTheWeights() throws {
    var folders: [[String: Data]] = []
    for relayout in [nil, ConversionOptions.Relayout.nz] {
      let folder = try TemporaryFolder()
      try Folders.run(
        Folders.plan(
          testData: "tiny-v4/upstream", "w4a8", options: ConversionOptions(relayout: relayout)),
        in: folder)
      folders.append(try WrittenFolder.files(folder.path("out")))
    }
    let certificate = OutputFolder.certificateName
    for (name, data) in folders[0] where name != certificate {
      #expect(folders[1][name] == data, "\(name)")
    }
    #expect(folders[1].count == folders[0].count + 1)
  }

  @Test func oneShardAndThreeAndAnotherFolderGiveTheSameWeights() throws {
    let source = try TemporaryFolder()
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    var weights: [Data?] = []
    for shards in [1, 3] {
      builder.shardCount = shards
      let folder = try TemporaryFolder()
      let path = try builder.write("shards\(shards)", in: source)
      try Folders.run(Folders.plan(path, "w4a8"), in: folder)
      weights.append(
        try WrittenFolder.files(folder.path("out"))[
          "quant_model_weights-00001-of-00001.safetensors"])
    }
    #expect(weights[0] != nil && weights[0] == weights[1])
  }
}
