import QuernCheckpoints
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct TransformerModelTests {
  @Test(arguments: [
    "llama", "llama-rope-scaled", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "mixtral",
  ])
  func logitsAreThoseOfTransformers(_ family: String) throws {
    let reference = try ReferenceTensors("families/\(family).reference.safetensors")
    let run = try Running.run("families/\(family)")
    let found = try Running.forward(run, TokenBatch([try reference.tokens()]))
    let wanted = try reference.floats("logits")
    #expect(found.logits.array.count == wanted.count)
    let error = relativeError(found.logits.array, wanted)
    #expect(error < 1e-5, "\(error)")
  }

  @Test(arguments: ["stories260K/f32", "stories260K/llama.cpp-f32.gguf"])
  func everyLayerOfATrainedModelIsThatOfTransformers(_ path: String) throws {
    let reference = try ReferenceTensors("stories260K/reference.safetensors")
    let run = try Running.run(path)
    let found = try Running.forward(run, TokenBatch([try reference.tokens()]))
    #expect(relativeError(found.logits.array, try reference.floats("logits")) < 1e-5)
    for layer in 0..<run.pass.layerCount - 1 {
      let wanted = try reference.floats("hidden.\(layer + 1)")
      #expect(relativeError(found.streams[layer].array, wanted) < 1e-5, "layer \(layer)")
    }
  }

  @Test func sequencesOfABatchDoNotSeeEachOther() throws {
    let tokens = try ReferenceTensors("families/qwen3-moe.reference.safetensors").tokens()
    let run = try Running.run("families/qwen3-moe")
    let halves = [Array(tokens[..<60]), Array(tokens[60...])]
    let together = try Running.forward(run, TokenBatch(halves)).logits
    let apart = try halves.flatMap {
      try Running.forward(run, TokenBatch([$0])).logits.array
    }
    #expect(together.array == apart)
  }

  @Test(arguments: ["llama", "mixtral"])
  func theNumberOfThreadsChangesNothing(_ family: String) throws {
    let tokens = try ReferenceTensors("families/\(family).reference.safetensors").tokens()
    let logits = try [1, 2, 5].map {
      let run = try Running.run("families/\(family)", threads: $0)
      return try Running.forward(run, TokenBatch([tokens])).logits.array
    }
    #expect(logits[0] == logits[1] && logits[1] == logits[2])
  }

  /// Rows of activations are shared among threads, and then a weight is read for each share.
  @Test func aWeightCountsAsReadOnceForAnyNumberOfThreads() throws {
    let tokens = try ReferenceTensors("families/llama.reference.safetensors").tokens()
    let counts = try [1, 4].map { threads in
      let run = try Running.run("families/llama", threads: threads)
      _ = try Running.forward(run, TokenBatch([tokens, tokens, tokens]))
      return run.products.workers.control.processedByteCount
    }
    let all = try Checkpoint.open(TestData.url("families/llama").path, environment: [:])
    #expect(counts[0] == counts[1])
    #expect(counts[0] <= all.tensorByteCount)
  }
}
