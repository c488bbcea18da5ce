import QuernCheckpoints
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct DeepSeekV4ModelTests {
  private static let reference = Result {
    try ReferenceTensors("tiny-v4/reference.safetensors")
  }

  private func reference() throws -> ReferenceTensors { try Self.reference.get() }

  private func batch() throws -> TokenBatch { TokenBatch([try reference().tokens()]) }

  /// DSpark's folder has the same model before its draft stages.
  @Test(arguments: ["tiny-v4/upstream", "tiny-v4/dspark"])
  func everyLayerIsThatOfTheReference(_ path: String) throws {
    let run = try Running.run(path)
    let found = try Running.forward(run, try batch())
    for layer in [0, 1, 5] {
      let wanted = try reference().floats("trace.layers.\(layer).streams")
      let error = relativeError(found.streams[layer].array, wanted)
      #expect(error < 5e-6, "layer \(layer): \(error)")
    }
    for name in ["logits", "logits_hf_float32"] {
      let error = relativeError(found.logits.array, try reference().floats(name))
      #expect(error < 5e-6, "\(name): \(error)")
    }
  }

  /// llama.cpp's converter has attention in Q8_0, and leaves hashed experts exact.
  @Test func anotherConvertersFileDiffersByItsRounding() throws {
    let run = try Running.run("tiny-v4/llama.cpp.gguf")
    let found = try Running.forward(run, try batch())
    let streams = try reference().floats("trace.layers.0.streams")
    let error = relativeError(found.streams[0].array, streams)
    #expect(error > 1e-3 && error < 1e-2, "\(error)")
    #expect(relativeError(found.logits.array, try reference().floats("logits")) < 0.1)
  }

  @Test func expertsAndEntriesAreThoseThatTheReferenceChose() throws {
    let run = try Running.run("tiny-v4/upstream")
    let found = try Running.forward(run, try batch())
    for (layer, trace) in found.traces.enumerated() {
      let wanted = try reference().integers("trace.layers.\(layer).ffn.sel")
      let experts = try #require(trace.experts)
      for (row, chosen) in experts.enumerated() {
        #expect(chosen.map(Int.init).sorted() == wanted[3 * row..<3 * row + 3].sorted())
      }
      guard [2, 4].contains(layer) else {
        #expect(trace.index == nil)
        continue
      }
      let seen = try reference().bytes("trace.layers.\(layer).attn.index_sel")
      let entries = try #require(trace.index)
      for (row, chosen) in entries.enumerated() {
        let wanted = (0..<102).filter { seen[102 * row + $0] != 0 }
        #expect(chosen.map(Int.init) == wanted, "layer \(layer), row \(row)")
      }
    }
  }

  @Test func theDraftStageGuessesAsTheReference() throws {
    let run = try Running.run("tiny-v4/upstream")
    let error = relativeError(
      try draftLogits(run, try batch()).array, try reference().floats("mtp_logits"))
    #expect(error < 5e-6, "\(error)")
  }

  @Test func theBaseModelsLogitsAreThoseOfTheReference() throws {
    let run = try Running.run("tiny-v4/base")
    let found = try Running.forward(run, try batch())
    let error = relativeError(found.logits.array, try reference().floats("logits_base"))
    #expect(error < 5e-6, "\(error)")
  }

  /// The base folder's draft stage holds an embedding and a head of its own.
  @Test func aDraftStageUsesItsOwnHead() throws {
    let tokens = TokenBatch([Array(try reference().tokens()[..<40])])
    let original = try draftLogits(try Running.run("tiny-v4/base"), tokens).array
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/base"))
    builder.change("mtp.0.head.weight") { bytes in
      for high in stride(from: 1, to: bytes.count, by: 2) { bytes[high] ^= 0x80 }
    }
    let folder = try TemporaryFolder()
    let negated = try draftLogits(try Running.run(builder, in: folder), tokens).array
    #expect(negated == original.map { -$0 })
  }

  @Test(arguments: ["tiny-v4/dspark", "tiny-v4/llama.cpp.gguf"])
  func noGuessWithoutADraftStageOfTheKind(_ path: String) throws {
    let run = try Running.run(path)
    let tokens = TokenBatch([[0, 5, 9]])
    let stream = try Running.forward(run, tokens).streams[5]
    let draft = Products(run.weights.draft, workers: run.products.workers)
    #expect(try run.pass.finishDraft(stream, tokens, run.products, draft: draft) == nil)
  }

  @Test func sequencesOfABatchDoNotSeeEachOther() throws {
    let tokens = try reference().tokens()
    let run = try Running.run("tiny-v4/upstream")
    let parts = [Array(tokens[..<150]), [tokens[150]], Array(tokens[151...])]
    let together = TokenBatch(parts)
    #expect(
      try Running.forward(run, together).logits.array
        == parts.flatMap { try Running.forward(run, TokenBatch([$0])).logits.array })
    #expect(
      try draftLogits(run, together).array
        == parts.flatMap { try draftLogits(run, TokenBatch([$0])).array })
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let logits = try [1, 2, 3].map {
      let run = try Running.run("tiny-v4/upstream", threads: $0)
      return try Running.forward(run, try batch()).logits.array
    }
    #expect(logits[0] == logits[1] && logits[1] == logits[2])
  }

  @Test func laterTokensChangeNothingBefore() throws {
    let tokens = try reference().tokens()
    let run = try Running.run("tiny-v4/upstream")
    let short = try Running.forward(run, TokenBatch([Array(tokens[..<203])])).logits.array
    let long = try Running.forward(run, try batch()).logits.array
    #expect(relativeError(short, Array(long[..<short.count])) < 5e-6)
  }

  private func draftLogits(_ run: ModelRun, _ batch: TokenBatch) throws -> Activations {
    let stream = try #require(try Running.forward(run, batch).streams.last)
    let draft = Products(run.weights.draft, workers: run.products.workers)
    let states = try #require(
      try run.pass.finishDraft(stream, batch, run.products, draft: draft))
    return try draft.multiply(states.values, states.outputName)
  }
}
