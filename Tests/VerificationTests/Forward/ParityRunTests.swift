import Foundation
import QuernCheckpoints
import QuernContainers
import QuernModels
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernVerification

/// Two models side by side: what is equal, what is not, and where it begins.
@Suite struct ParityRunTests {
  private static func open(_ path: String) throws -> Checkpoint {
    try Checkpoint.open(path, environment: [:])
  }

  private static func tokens(_ family: String) throws -> ParityTokens {
    let ids = try ReferenceTensors("families/\(family).reference.safetensors").tokens()
    return ParityTokens(sequences: [Array(ids[..<70]), Array(ids[70..<110])], source: "ids")
  }

  private static func run(
    _ output: Checkpoint, against checkpoint: Checkpoint, _ tokens: ParityTokens,
    layers: Range<Int>? = nil, state: String? = nil, control: RunControl = RunControl()
  ) throws -> ParityRun {
    var options = ParityRun.Options()
    (options.layers, options.statePath) = (layers, state)
    return try ParityRun(
      output: output, against: checkpoint, tokens, options: options, control: control)
  }

  /// A copy of a family's model in which one tensor is a little off.
  private static func perturbed(_ family: String, _ name: String, in folder: TemporaryFolder)
    throws -> Checkpoint
  {
    var builder = try CheckpointBuilder(reading: TestData.url("families/\(family)"))
    let index = try #require(builder.tensors.firstIndex { $0.name == name })
    // A BF16 value in twenty gets another sign.
    for element in stride(from: 0, to: builder.tensors[index].bytes.count / 2, by: 20) {
      builder.tensors[index].bytes[2 * element + 1] ^= 0x80
    }
    return try open(try builder.write("off", in: folder))
  }

  @Test func aModelIsEqualToItself() throws {
    let model = try Self.open(TestData.url("families/qwen3-moe").path)
    let found = try Self.run(model, against: model, try Self.tokens("qwen3-moe")).run()
    #expect(found.layers.map(\.layer) == [0, 1, 2])
    for layer in found.layers {
      #expect(layer.relativeError == 0 && layer.ownRelativeError == 0)
      #expect(abs(layer.cosine - 1) < 1e-12)
      #expect(layer.router?.carried == 1 && layer.router?.own == 1)
    }
    let result = try #require(found.result)
    #expect(result.divergence.max == 0 && result.sameTop.value == 1)
    #expect(found.tokens.count == 110 && found.tokens.scored == 108)
  }

  @Test(arguments: [
    ("llama", "model.layers.1.mlp.down_proj.weight", 1),
    ("llama", "model.layers.2.self_attn.k_proj.weight", 2),
    ("qwen3-moe", "model.layers.1.mlp.gate.weight", 1),
    ("mixtral", "model.layers.0.block_sparse_moe.experts.2.w1.weight", 0),
  ])
  func aTensorThatIsOffIsLocated(_ family: String, _ tensor: String, _ layer: Int) throws {
    let folder = try TemporaryFolder()
    let model = try Self.open(TestData.url("families/\(family)").path)
    let off = try Self.perturbed(family, tensor, in: folder)
    let found = try Self.run(off, against: model, try Self.tokens(family)).run()
    for row in found.layers {
      #expect((row.ownRelativeError > 1e-4) == (row.layer == layer), "\(row)")
      #expect((row.relativeError > 1e-4) == (row.layer >= layer), "\(row)")
    }
    #expect(try #require(found.result).divergence.mean.value > 1e-6)
  }

  @Test func aSliceHasTheErrorsOfItsLayersAlone() throws {
    let folder = try TemporaryFolder()
    let model = try Self.open(TestData.url("families/llama").path)
    let off = try Self.perturbed("llama", "model.layers.1.mlp.up_proj.weight", in: folder)
    let tokens = try Self.tokens("llama")
    let whole = try Self.run(off, against: model, tokens).run()
    let slice = try Self.run(off, against: model, tokens, layers: 1..<3).run()
    #expect(slice.layers.map(\.layer) == [1, 2])
    #expect(slice.layers.map(\.ownRelativeError) == whole.layers[1...].map(\.ownRelativeError))
    #expect(slice.result == nil)
  }

  @Test func anInterruptedRunGoesOnToTheSameResult() throws {
    let folder = try TemporaryFolder()
    let model = try Self.open(TestData.url("families/llama").path)
    let off = try Self.perturbed("llama", "model.layers.0.mlp.up_proj.weight", in: folder)
    let tokens = try Self.tokens("llama")
    let whole = try Self.run(off, against: model, tokens).run()
    let state = folder.path("parity.json.state")
    let control = RunControl()
    let first = try Self.run(off, against: model, tokens, state: state, control: control)
    #expect(throws: ModelError.self) {
      try first.run { if $0.layer == 1 { control.interrupt() } }
    }
    #expect(FileManager.default.fileExists(atPath: state))
    var seen: [Int] = []
    let before = RunControl()
    let second = try Self.run(off, against: model, tokens, state: state, control: before)
    let found = try second.run { seen.append($0.layer) }
    #expect(found.json == whole.json)
    #expect(seen == [0, 1, 2])
    let all = RunControl()
    _ = try Self.run(off, against: model, tokens, control: all).run()
    #expect(before.processedByteCount < all.processedByteCount)
    #expect(!FileManager.default.fileExists(atPath: state))
  }

  @Test func theFileIsReadAsItWasWritten() throws {
    let model = try Self.open(TestData.url("families/qwen3-moe").path)
    let found = try Self.run(model, against: model, try Self.tokens("qwen3-moe")).run()
    #expect(try ParityFile(parsing: found.json, path: "p").json == found.json)
  }

  @Test func modelsOfDifferentKindsAreRefused() throws {
    let (llama, qwen) = (
      try Self.open(TestData.url("families/llama").path),
      try Self.open(TestData.url("families/qwen3").path)
    )
    let error = #expect(throws: ModelError.self) {
      try Self.run(llama, against: qwen, try Self.tokens("llama"))
    }
    #expect("\(try #require(error))".contains("they are not the same model"))
  }
}
