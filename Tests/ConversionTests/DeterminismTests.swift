import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Files and certificates depend on the inputs and the recipe alone.
struct DeterminismTests {
  @Test(arguments: Converting.checkpoints, Converting.recipes)
  func filesAndCertificatesAreTheSameForThreadsAndKernels(checkpoint: String, recipe: String) throws
  {
    let plan = try Converting.plan(testData: checkpoint, recipe: recipe)
    var expected: [String: Data] = [:]
    let runs = [1, 2, 7].map { ($0, RowKernels.best) } + RowKernels.available.map { (2, $0) }
    for (threads, kernels) in runs {
      let folder = try TemporaryFolder()
      try Converting.run(plan, in: folder, threads: threads, kernels: kernels)
      let files = try Converting.files(folder)
      if expected.isEmpty { expected = files }
      #expect(files == expected, "\(threads) threads, \(kernels.levelName)")
    }
    for file in plan.files { #expect(expected[file.name]?.count == file.byteCount) }
    let total = plan.files.reduce(0) { $0 + (expected[$1.name]?.count ?? 0) }
    #expect(total == plan.outputByteCount)
    #expect(expected.count == plan.files.count + 1)
  }

  @Test func anotherFolderAndAnotherPlanGiveTheSameBytes() throws {
    var results: [[String: Data]] = []
    for _ in 0..<2 {
      let folder = try TemporaryFolder()
      let source = try TemporaryFolder()
      let path = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
        .write("f32", in: source)
      let plan = try Converting.plan(path, recipe: Recipe.load("q8_0", target: .gguf))
      try Converting.run(plan, in: folder)
      results.append(try Converting.files(folder))
    }
    #expect(results[0] == results[1])
  }

  @Test func oneShardAndThreeHaveTheSameTensorsInTheSameOrder() throws {
    for recipe in Converting.recipes {
      let one = try Converting.plan(testData: "stories260K/f32", recipe: recipe)
      let three = try Converting.plan(testData: "stories260K/bf16-3shard", recipe: recipe)
      #expect(one.tensors.map(\.name) == three.tensors.map(\.name))
      #expect(one.tensors.map(\.shape) == three.tensors.map(\.shape))
    }
  }
}
