import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct DeepSeekV3ModelTests {
  private static let family = "families/deepseek-v3"

  private func tokens() throws -> [UInt32] {
    try ReferenceTensors("\(Self.family).reference.safetensors").tokens()
  }

  @Test(arguments: ["deepseek-v3", "deepseek-v3-tied", "deepseek-v3-fp8"])
  func logitsAreThoseOfTransformers(_ family: String) throws {
    let reference = try ReferenceTensors("families/\(family).reference.safetensors")
    let run = try Running.run("families/\(family)")
    let found = try Running.forward(run, TokenBatch([try reference.tokens()]))
    let wanted = try reference.floats("logits")
    #expect(found.logits.array.count == wanted.count)
    let error = relativeError(found.logits.array, wanted)
    #expect(error < 1e-5, "\(error)")
  }

  @Test func layersBehindTheDenseOnesTellWhichExpertsTheyChose() throws {
    let run = try Running.run(Self.family)
    let traces = try Running.forward(run, TokenBatch([Array(try tokens()[..<20])])).traces
    #expect(traces.map { $0.experts?.count } == [nil, 20, 20])
    #expect(traces[1].experts?.allSatisfy { Set($0).count == 2 } == true)
  }

  @Test func sequencesOfABatchDoNotSeeEachOther() throws {
    let tokens = try tokens()
    let run = try Running.run(Self.family)
    let halves = [Array(tokens[..<60]), Array(tokens[60...])]
    let together = try Running.forward(run, TokenBatch(halves)).logits
    let apart = try halves.flatMap { try Running.forward(run, TokenBatch([$0])).logits.array }
    #expect(together.array == apart)
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let tokens = try tokens()
    let logits = try [1, 2, 5].map {
      let run = try Running.run(Self.family, threads: $0)
      return try Running.forward(run, TokenBatch([tokens])).logits.array
    }
    #expect(logits[0] == logits[1] && logits[1] == logits[2])
  }
}
