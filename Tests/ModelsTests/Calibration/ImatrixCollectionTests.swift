import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct ImatrixCollectionTests {
  /// What llama-imatrix was given: chunks of 128 that begin with BOS, 60 of them.
  private static func story() throws -> TokenChunks {
    let path = TestData.url("stories4M/self_generated_260K.txt").path
    let tokenizer = try TextTokenizer(folder: TestData.url("stories4M/bf16").path)
    let text = try InputFile.contents(of: path, limit: 1 << 20)
    return TokenChunks(
      tokenizer.prefix + (try tokenizer.encode(text)), length: 128,
      beginning: tokenizer.prefix.first, limit: 60)
  }

  /// Some hidden neurons see nothing but what rounding leaves of sums that cancel: with a cache of
  /// float32 instead of F16 those, 10⁻¹⁴ of the others, are up to 4 % off.
  @Test func theImatrixOfAModelIsThatOfLlamaCpp() throws {
    let calibrating = try Calibrating(
      "stories4M/bf16", options: CalibrationOptions(kinds: .imatrix, cache: .f16))
    let chunks = try Self.story()
    #expect(chunks.count == 60 && chunks.batch.tokens[128] == 1)
    try calibrating.collect(chunks, dataset: "self_generated_260K.txt")
    let found = try calibrating.imatrix()
    let wanted = try ImatrixFile(
      path: TestData.url("stories4M/llama-imatrix.gguf").path)
    #expect(found.entries.map(\.name) == wanted.entries.map(\.name))
    for (mine, theirs) in zip(found.entries, wanted.entries) {
      #expect(mine.counts == theirs.counts && mine.valueCount == theirs.valueCount)
      let deviation = largestDeviation(
        try found.weights(mine, part: 0, of: 1), try wanted.weights(theirs, part: 0, of: 1))
      #expect(deviation < 0.01, "\(mine.name): \(deviation)")
    }
    let header = try GGUFFile(path: calibrating.output.imatrixPath)
    let golden = try GGUFFile(path: TestData.url("stories4M/llama-imatrix.gguf").path)
    #expect(header.keyValues.map(\.key) == golden.keyValues.map(\.key))
    #expect(header["imatrix.chunk_count"] == golden["imatrix.chunk_count"])
    #expect(header["imatrix.chunk_size"] == golden["imatrix.chunk_size"])
    #expect(header.tensors.map(\.name) == golden.tensors.map(\.name))
    #expect(header.tensors.map(\.shape) == golden.tensors.map(\.shape))
    #expect(header.byteCount == golden.byteCount)
  }

  @Test(arguments: ["attn_q", "attn_output", "ffn_gate_exps", "ffn_down_exps"])
  func sumsOfSquaresAreThoseOfTransformersForEachExpert(_ name: String) throws {
    let calibrating = try Calibrating("families/qwen3-moe")
    try calibrating.collect(try Calibrating.chunks("qwen3-moe"))
    let file = try calibrating.imatrix()
    let reference = try ReferenceTensors("calibration/qwen3-moe.safetensors")
    let counts = try reference.integers("\(name).counts")
    let squares = try reference.floats("\(name).squares")
    let entry = try #require(file.entry(named: TensorName("blk.1.\(name).weight")))
    #expect(entry.counts == counts.map { Float($0) })
    let width = squares.count / counts.count
    for (part, count) in counts.enumerated() {
      let wanted = squares[part * width..<(part + 1) * width].map { $0 / Float(count) }
      let found = try file.weights(entry, part: part, of: counts.count)
      #expect(largestDeviation(found, wanted) < 1e-4)
    }
  }

  @Test func weightsWithTheSameInputsHaveTheSameNumbers() throws {
    let calibrating = try Calibrating("families/qwen3-moe")
    try calibrating.collect(try Calibrating.chunks("qwen3-moe"))
    let file = try calibrating.imatrix()
    for (name, owner) in [("attn_k", "attn_q"), ("ffn_up_exps", "ffn_gate_exps")] {
      let shared = try #require(file.entry(named: TensorName("blk.2.\(name).weight")))
      let own = try #require(file.entry(named: TensorName("blk.2.\(owner).weight")))
      for part in own.counts.indices {
        #expect(
          try file.weights(shared, part: part, of: own.counts.count)
            == file.weights(own, part: part, of: own.counts.count))
      }
    }
  }

  @Test func theOutputWeightIsThereWhereItIsAskedFor() throws {
    let calibrating = try Calibrating(
      "families/qwen3", options: CalibrationOptions(includesOutput: true))
    let chunks = try Calibrating.chunks("qwen3")
    try calibrating.collect(chunks)
    let entry = try #require(try calibrating.imatrix().entry(named: "output.weight"))
    #expect(entry.counts == [Float(chunks.batch.rowCount)])
    #expect(try calibrating.statistics().entries["output.weight"]?.range != nil)
  }

  @Test func anEmbeddingThatIsTheOutputTooIsRefused() throws {
    let options = CalibrationOptions(includesOutput: true)
    #expect(throws: CalibrationFailure.self) {
      try Calibrating("stories260K/f32", options: options)
    }
  }
}
