import Foundation
import QuernCheckpoints
import QuernContainers
import QuernModels
import QuernTestSupport
import Testing

@testable import QuernVerification

/// The file of a run: what is in it, and what is refused before anything is written.
@Suite struct LogitsRunTests {
  private static func run(
    _ model: String, _ sequences: [[UInt32]], hidden: Bool = false, draft: Bool = false
  ) throws -> LogitsRun {
    var options = LogitsRun.Options()
    (options.hidden, options.draft) = (hidden, draft)
    return try LogitsRun(
      try Checkpoint.open(TestData.url(model).path, environment: [:]), TokenBatch(sequences),
      source: "tokens.json", options: options, control: RunControl())
  }

  private static func floats(_ path: String, _ name: String) throws -> (shape: [Int], [Float]) {
    let file = try SafetensorsFile(path: path)
    let tensor = try #require(file.tensors.first { $0.name.text == name }, "\(name)")
    let bytes = try InputFile(path: path).bytes(in: tensor.range)
    return (
      tensor.shape.dimensions,
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    )
  }

  @Test func aTrainedModelHasTheLogitsAndStreamsOfTransformers() throws {
    let folder = try TemporaryFolder()
    let reference = try ReferenceTensors("stories260K/reference.safetensors")
    let path = folder.path("out.safetensors")
    try Self.run("stories260K/f32", [try reference.tokens()], hidden: true)
      .write(to: path, overwrite: false)
    let logits = try Self.floats(path, "logits")
    #expect(logits.shape == [128, 512])
    #expect(relativeError(logits.1, try reference.floats("logits")) < 1e-5)
    for layer in 0..<4 {
      let stream = try Self.floats(path, "hidden.\(layer)")
      #expect(stream.shape == [128, 64])
      #expect(relativeError(stream.1, try reference.floats("hidden.\(layer + 1)")) < 1e-5)
    }
  }

  @Test func deepSeekV4HasTheLogitsOfItsDraftStageAndStreams() throws {
    let folder = try TemporaryFolder()
    let reference = try ReferenceTensors("tiny-v4/reference.safetensors")
    let path = folder.path("out.safetensors")
    try Self.run("tiny-v4/upstream", [try reference.tokens()], hidden: true, draft: true)
      .write(to: path, overwrite: false)
    for (name, wanted, shape) in [
      ("logits", "logits", [411, 512]), ("mtp_logits", "mtp_logits", [410, 512]),
      ("streams.5", "trace.layers.5.streams", [411, 4, 256]),
    ] {
      let found = try Self.floats(path, name)
      #expect(found.shape == shape)
      #expect(relativeError(found.1, try reference.floats(wanted)) < 1e-4, "\(name)")
    }
  }

  @Test func aGGUFFileHasItsDraftStageInTheFileBesideIt() throws {
    let reference = try ReferenceTensors("tiny-v4/reference.safetensors")
    let made = try ConvertedOutput(.upstream, "source")
    let path = made.folder.path("out.safetensors")
    var options = LogitsRun.Options()
    options.draft = true
    try LogitsRun(
      try Checkpoint.open(made.path, environment: [:]), TokenBatch([try reference.tokens()]),
      source: "t", options: options, control: RunControl()
    ).write(to: path, overwrite: false)
    let found = try Self.floats(path, "mtp_logits")
    #expect(relativeError(found.1, try reference.floats("mtp_logits")) < 1e-4)
    #expect(
      relativeError(try Self.floats(path, "logits").1, try reference.floats("logits")) < 1e-4)
  }

  private static func refusal(_ body: () throws -> Void) throws -> String {
    "\(try #require(#expect(throws: ModelError.self, performing: body)))"
  }

  @Test func tokensThatTheModelDoesNotTakeAreRefused() throws {
    let beyond = try Self.refusal { _ = try Self.run("families/llama", [[1, 512, 3]]) }
    #expect(beyond.contains("token 1: found 512, expected an id below 512"))
    let empty = try Self.refusal { _ = try Self.run("families/llama", [[]]) }
    #expect(empty.contains("found an empty sequence"))
    let long = try Self.refusal {
      _ = try Self.run("families/llama", [[UInt32](repeating: 1, count: 513)])
    }
    #expect(long.contains("found a sequence of 513, expected at most 512"))
  }

  @Test func aModelWithoutADraftStageHasNoDraftLogits() throws {
    let text = try Self.refusal { _ = try Self.run("families/llama", [[1]], draft: true) }
    #expect(text.contains("draft stage: found none"))
  }

  @Test func aWeightThatIsNotANumberIsNamed() throws {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(reading: TestData.url("families/llama"))
    let name = "model.layers.1.self_attn.v_proj.weight"
    let index = try #require(builder.tensors.firstIndex { $0.name == name })
    builder.tensors[index].bytes.replaceSubrange(10..<12, with: [0xc0, 0x7f])
    let model = try Checkpoint.open(try builder.write("nan", in: folder), environment: [:])
    let path = folder.path("out.safetensors")
    let text = try Self.refusal {
      let run = try LogitsRun(
        model, TokenBatch([[1, 2, 3]]), source: "t", options: .init(), control: RunControl())
      try run.write(to: path, overwrite: false)
    }
    #expect(text.contains("blk.1.attn_v.weight") && text.contains("found nan"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["nan"])
  }
}
