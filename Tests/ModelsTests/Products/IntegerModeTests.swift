import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernModels

/// GGUF files in integer mode; `Tests/VerificationTests/Forward` has what comes out beside llama.cpp.
@Suite struct IntegerModeTests {
  private static let files = ["Q8_0", "Q4_1", "Q4_K_M"].map {
    "stories4M/llama-quantize-\($0).gguf"
  }

  private static let batch = TokenBatch([(0..<40).map { UInt32(1 + $0 * 37 % 500) }])

  /// Activations of eight bits are off by about 0.5 %; Q8_0's have scales for 32 elements.
  @Test(arguments: files)
  func logitsDifferByWhatRoundedActivationsLose(_ file: String) throws {
    let wanted = try Running.forward(try Running.run(file), Self.batch).logits.array
    let found = try Running.forward(try Running.run(file, mode: .integer), Self.batch).logits.array
    let error = relativeError(found, wanted)
    #expect((1e-3..<3e-2).contains(error), "\(error)")
  }

  @Test(arguments: files)
  func theNumberOfThreadsChangesNothing(_ file: String) throws {
    let logits = try [1, 3].map {
      try Running.forward(try Running.run(file, mode: .integer, threads: $0), Self.batch)
        .logits.array
    }
    #expect(logits[0] == logits[1])
  }

  /// An F32 file has nothing that is rounded but keys and values, to eleven bits.
  @Test func aFileOfFloatsDiffersByItsCacheAlone() throws {
    let file = "stories260K/llama.cpp-f32.gguf"
    let wanted = try Running.forward(try Running.run(file), Self.batch).logits.array
    let found = try Running.forward(try Running.run(file, mode: .integer), Self.batch).logits.array
    let error = relativeError(found, wanted)
    #expect((1e-6..<1e-3).contains(error), "\(error)")
  }

  @Test(arguments: ["stories260K/f32", "tiny-v4/upstream"])
  func aCheckpointWithoutIntegersIsRefused(_ folder: String) throws {
    let error = #expect(throws: ModelError.self) { try Running.run(folder, mode: .integer) }
    guard case .data(let problem)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(problem.found == "no integers")
    #expect(problem.description.contains("--integer"))
  }
}
