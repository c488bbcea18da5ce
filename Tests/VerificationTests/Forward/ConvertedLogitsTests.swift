import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernModels
import QuernTestSupport
import Testing

/// A model and its GGUF, written without loss, say the same.
@Suite struct ConvertedLogitsTests {
  private static func logits(_ checkpoint: Checkpoint, _ tokens: [UInt32]) throws -> [Float] {
    let run = try ModelRun(checkpoint, workers: Workers(count: 2, control: RunControl()))
    let batch = TokenBatch([tokens])
    let stream = try run.pass.embed(batch, run.products)
    for layer in 0..<run.pass.layerCount {
      _ = try run.pass.run(layer: layer, stream, batch, run.products)
    }
    let finished = try run.pass.finish(stream, run.products)
    return try run.logits(finished, 0..<run.pass.vocabulary).array
  }

  @Test(arguments: [
    "llama", "llama-rope-scaled", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "mixtral",
    "deepseek-v3", "deepseek-v3-tied",
  ])
  func theGGUFOfAModelHasItsLogits(_ family: String) throws {
    let checkpoint = try Checkpoint.open(
      TestData.url("families/\(family)").path, environment: [:])
    let output = try ConvertedOutput(
      checkpoint, recipe: try Recipe.load("source", target: .gguf))
    let tokens = try ReferenceTensors("families/\(family).reference.safetensors").tokens()
    let converted = try Self.logits(
      try Checkpoint.open(output.path, environment: [:]), Array(tokens[..<40]))
    #expect(
      relativeError(converted, try Self.logits(checkpoint, Array(tokens[..<40]))) < 1e-6)
  }
}
