import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct TensorMapTests {
  /// A checkpoint of `testdata/`, and the dump of llama.cpp's file of the same model.
  static let models = [
    ("stories260K/f32", "stories260K/llama.cpp-f32.gguf.json"),
    ("stories260K/bf16-3shard", "stories260K/llama.cpp-f32.gguf.json"),
    ("tiny-v4/upstream", "tiny-v4/llama.cpp.gguf.json"),
    ("tiny-v4/base", "tiny-v4/llama.cpp.gguf.json"),
    ("tiny-v4/dspark", "tiny-v4/llama.cpp.gguf.json"),
  ]

  private func open(_ path: String) throws -> Checkpoint {
    try Checkpoint.open(TestData.url(path).path, environment: [:])
  }

  private func map(_ checkpoint: Checkpoint, keepsDraft: Bool = true) throws -> TensorMap {
    try TensorMap(
      checkpoint: checkpoint,
      parameters: ModelFamily.parameters(of: checkpoint, keepsDraft: keepsDraft))
  }

  /// Names and shapes of llama.cpp's own converter; GGUF counts dimensions from the innermost.
  private func golden(_ path: String) throws -> [String: [Int]] {
    let bytes = [UInt8](try Data(contentsOf: TestData.url(path)))
    let tensors = try #require(try JSONValue(parsing: bytes).object?["tensors"]?.array)
    var shapes: [String: [Int]] = [:]
    for tensor in tensors.compactMap(\.object) {
      let shape = (tensor["shape"]?.array ?? []).compactMap(\.integer)
      shapes[tensor["name"]?.string ?? ""] = shape.reversed()
    }
    return shapes
  }

  @Test(arguments: models)
  func namesAndShapesAreLlamaCpps(folder: String, dump: String) throws {
    let mapped = try map(open(folder)).tensors.filter { !$0.isDraft }
    let golden = try golden(dump)
    #expect(Set(mapped.map(\.name)) == Set(golden.keys))
    #expect(mapped.count == golden.count)
    for tensor in mapped { #expect(tensor.shape == golden[tensor.name], "\(tensor.name)") }
  }

  @Test(arguments: models.map(\.0), [true, false])
  func everySourceIsConsumedOnceOrDropped(folder: String, keepsDraft: Bool) throws {
    let checkpoint = try open(folder)
    let map = try map(checkpoint, keepsDraft: keepsDraft)
    let rows = map.tensors.filter { !$0.isDraft || $0.name.hasPrefix("blk.") }
      .flatMap(\.expression.sources)
    let consumed = rows.map { checkpoint.tensors[$0.tensor].name }
    #expect(Set(consumed).count == consumed.count)
    let all = Set(map.tensors.flatMap(\.expression.sources).map(\.tensor))
    let names = Set(all.map { checkpoint.tensors[$0].name })
    #expect(names.isDisjoint(with: map.dropped.map(\.name)))
    #expect(names.count + map.dropped.count == checkpoint.tensors.count)
    #expect(map.dropped.allSatisfy { !$0.reason.isEmpty && $0.byteCount > 0 })
  }

  @Test func theDraftLayerHasEverythingThatItsFileNeeds() throws {
    for (folder, extras) in [("upstream", 0), ("base", 2)] {
      let draft = try map(open("tiny-v4/\(folder)")).tensors.filter(\.isDraft)
      let names = draft.map(\.name)
      #expect(names.contains("token_embd.weight") && names.contains("output.weight"))
      #expect(names.count { $0.hasPrefix("blk.6.nextn.") } == 4 + extras)
      let joined = try #require(draft.first { $0.name == "blk.6.nextn.eh_proj.weight" })
      #expect(joined.shape == [256, 512])
      guard case .concatenateColumns(let parts) = joined.expression else {
        Issue.record("eh_proj is \(joined.expression)")
        continue
      }
      #expect(parts.count == 2)
    }
  }

  @Test func withoutTheDraftLayerItsTensorsAreDroppedForThatReason() throws {
    let map = try map(open("tiny-v4/upstream"), keepsDraft: false)
    #expect(map.tensors.allSatisfy { !$0.isDraft })
    #expect(!map.dropped.isEmpty)
    #expect(map.dropped.allSatisfy { $0.name.text.hasPrefix("mtp.0.") })
    #expect(map.dropped.allSatisfy { $0.reason.contains("--mtp drop") })
  }

  @Test func draftStagesOfDSparkAreDroppedAsSuch() throws {
    let map = try map(open("tiny-v4/dspark"))
    #expect(map.tensors.allSatisfy { !$0.isDraft })
    #expect(map.dropped.contains { $0.reason.contains("DSpark") })
    #expect(Set(map.dropped.map { $0.name.text.split(separator: ".")[1] }) == ["0", "1", "2"])
  }

  // MARK: A small Llama, broken in one place each

  private func llama(_ change: (inout CheckpointBuilder) -> Void) throws -> TensorMap {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
    change(&builder)
    let path = try builder.write("model", in: folder)
    return try map(Checkpoint.open(path, environment: [:]))
  }

  private func message(_ change: (inout CheckpointBuilder) -> Void) -> String {
    do {
      _ = try llama(change)
      return "no error"
    } catch { return "\(error)" }
  }

  private func zeros(_ name: String, _ shape: [Int]) -> CheckpointBuilder.Tensor {
    .init(name, .f32, shape, [UInt8](repeating: 0, count: 4 * shape.reduce(1, *)))
  }

  @Test func aTensorThatNothingNeedsIsAnErrorWithItsName() {
    let text = message { $0.tensors.append(zeros("model.layers.0.extra.weight", [2])) }
    #expect(text.contains("model.layers.0.extra.weight"))
  }

  @Test func aTiedHeadIsDroppedAndRotaryTablesToo() throws {
    let map = try llama {
      $0.tensors.append(zeros("lm_head.weight", [512, 64]))
      $0.tensors.append(zeros("model.layers.3.self_attn.rotary_emb.inv_freq", [4]))
    }
    #expect(
      map.dropped.map(\.name) == [
        "lm_head.weight", "model.layers.3.self_attn.rotary_emb.inv_freq",
      ])
  }

  @Test(arguments: ["model.layers..self_attn.rotary_emb.inv_freq", "layers.x.self_attn.inv_freq"])
  func onlyANumberStandsForALayer(name: String) {
    #expect(message { $0.tensors.append(zeros(name, [4])) }.contains(name))
  }

  @Test func theSameTensorWithAndWithoutThePrefixIsRefused() {
    let text = message { $0.tensors.append(zeros("norm.weight", [64])) }
    #expect(text.contains("norm.weight") && text.contains("one of the two"))
  }

  @Test func namesWithoutThePrefixAreTheSameModel() throws {
    let plain = try llama { _ in }
    let bare = try llama { builder in
      for index in builder.tensors.indices {
        builder.tensors[index].name.replace("model.", with: "", maxReplacements: 1)
      }
    }
    #expect(bare.tensors.map(\.name) == plain.tensors.map(\.name))
  }

  @Test func biasesOfQueryAndKeyArePermutedLikeTheirRows() throws {
    let map = try llama { builder in
      builder.tensors.append(zeros("model.layers.0.self_attn.q_proj.bias", [64]))
    }
    let bias = try #require(map.tensors.first { $0.name == "blk.0.attn_q.bias" })
    guard case .permuteHeads(_, let headRows) = bias.expression else {
      Issue.record("\(bias.expression)")
      return
    }
    #expect(headRows == 8)
  }

  @Test(arguments: [
    ("\"num_hidden_layers\": 5", "\"num_hidden_layers\": 6", "layers.5"),
    ("\"num_hidden_layers\": 5", "\"num_hidden_layers\": 4", "layers.4"),
    ("\"num_hidden_layers\": 5", "\"num_hidden_layers\": 2000000000", "num_hidden_layers"),
    ("\"vocab_size\": 512", "\"vocab_size\": 513", "embed_tokens"),
    ("\"hidden_size\": 64", "\"hidden_size\": 4611686018427387904", "embed_tokens"),
    ("\"vocab_size\": 512", "\"vocab_size\": -1", "vocab_size"),
    ("\"vocab_size\": 512", "\"vocab_size\": 512.5", "vocab_size"),
  ])
  func configsThatDoNotFitTheTensorsAreNamed(old: String, new: String, named: String) {
    let text = message { $0.config = $0.config?.replacing(old, with: new) }
    #expect(text.contains(named), "\(text)")
  }
}
