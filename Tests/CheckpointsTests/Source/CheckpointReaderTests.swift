import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// The rules of the index, on a folder of two shards.
struct CheckpointReaderTests {
  private static let names = [
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
  ]

  private func vector(_ name: String) -> CheckpointBuilder.Tensor {
    .init(name, .f32, [2], [UInt8](floats: [1, 2]))
  }

  private func checkpoint(
    index: String?, shards: [[String]] = [["a"], ["b"]], names: [String] = names,
    prepare: (TemporaryFolder) throws -> Void = { _ in }
  ) throws -> Checkpoint {
    let folder = try TemporaryFolder()
    for (name, tensors) in zip(names, shards) {
      try CheckpointBuilder.write(tensors.map(vector), to: folder.url.appending(path: name))
    }
    if let index { _ = try folder.write("model.safetensors.index.json", Array(index.utf8)) }
    try prepare(folder)
    return try Checkpoint.open(folder.url.path, environment: [:])
  }

  private func message(
    index: String?, shards: [[String]] = [["a"], ["b"]], names: [String] = names,
    prepare: (TemporaryFolder) throws -> Void = { _ in }
  ) -> String {
    do {
      _ = try checkpoint(index: index, shards: shards, names: names, prepare: prepare)
      return "no error"
    } catch { return "\(error)" }
  }

  private func index(_ b: String, extra: String = "", metadata: String = "{}") -> String {
    """
    {"metadata": \(metadata), "weight_map": {"a": "\(Self.names[0])", "b": "\(b)"\(extra)}}
    """
  }

  @Test func aCompleteIndexHasNoWarnings() throws {
    let opened = try checkpoint(index: index(Self.names[1], metadata: #"{"total_size": 16}"#))
    #expect(opened.warnings.isEmpty)
    #expect(opened.stored.map(\.name) == ["a", "b"])
    #expect(opened.tensorByteCount == 16)
  }

  @Test(arguments: [
    "/etc/passwd", "/tmp/x.safetensors", "../x.safetensors", "w/x.safetensors", "..", ".", "",
    "C:x.safetensors", "file:x.safetensors", "w\\\\x.safetensors", "x\\u0000.safetensors",
    "pytorch_model.bin",
  ])
  func aShardIsAPlainFileNameInTheFolder(shard: String) {
    let text = message(index: index(shard))
    #expect(text.contains("weight_map"), "\(text)")
  }

  @Test func aMissingShardIsNamed() {
    #expect(message(index: index("model-9.safetensors")).contains("model-9.safetensors"))
  }

  @Test func aShardMustNotBeALink() {
    let text = message(
      index: index("link.safetensors"),
      prepare: { folder in
        try FileManager.default.createSymbolicLink(
          atPath: folder.path("link.safetensors"),
          withDestinationPath: folder.path(Self.names[1]))
      })
    #expect(text.contains("link.safetensors") && text.contains("blobs"))
  }

  @Test func aListedTensorMustBeInItsShard() {
    let ghost = message(index: index(Self.names[1], extra: #", "ghost": "\#(Self.names[0])""#))
    #expect(ghost.contains("ghost") && ghost.contains(Self.names[0]))
    let swapped = message(index: index(Self.names[0]))
    #expect(swapped.contains("\"b\""))
  }

  @Test func anUnlistedTensorIsUsedWithAWarning() throws {
    let opened = try checkpoint(
      index: index(Self.names[1]), shards: [["a", "extra"], ["b"]])
    #expect(opened.warnings.count == 1 && opened.warnings[0].contains("extra"))
    #expect(opened.tensors.map(\.name) == ["a", "extra", "b"])
  }

  @Test(arguments: ["17", "0", "-1"])
  func aWrongTotalIsAWarning(total: String) throws {
    let opened = try checkpoint(
      index: index(Self.names[1], metadata: #"{"total_size": \#(total)}"#))
    #expect(opened.warnings.count == 1 && opened.warnings[0].contains("total_size"))
  }

  @Test(arguments: ["{}", "null", "[]", #"{"total_size": "16"}"#, #"{"total_size": 1.6e1}"#])
  func aTotalThatIsNoCountIsIgnored(metadata: String) throws {
    #expect(try checkpoint(index: index(Self.names[1], metadata: metadata)).warnings.isEmpty)
  }

  @Test func aTensorInTwoShardsIsRefused() {
    let text = message(index: index(Self.names[1]), shards: [["a", "b"], ["b"]])
    #expect(text.contains("\"b\"") && text.contains(Self.names[0]))
    #expect(message(index: nil, shards: [["a", "b"], ["b"]]).contains("\"b\""))
  }

  @Test(arguments: [
    "", "[]", "{", #"{"weight_map": {}}"#, #"{"weight_map": {"a": 1}}"#, "{}",
    #"{"weight_map": {"a": "x.safetensors", "a": "x.safetensors"}}"#, #"{"weight_map": []}"#,
  ])
  func aMalformedIndexIsNamed(text: String) {
    #expect(message(index: text).contains("model.safetensors.index.json"))
  }

  @Test func withoutAnIndexAllShardsAreReadWithAWarning() throws {
    let opened = try checkpoint(index: nil)
    #expect(opened.stored.map(\.name) == ["a", "b"])
    #expect(opened.warnings.count == 1)
    let single = try checkpoint(index: nil, names: ["model.safetensors", "other.safetensors"])
    #expect(single.stored.map(\.name) == ["a"])
    #expect(single.warnings.count == 1)
  }

  @Test(arguments: ["pytorch_model.bin", "model.pt", "weights.ckpt"])
  func picklesAreRefusedWithAHint(name: String) {
    let text = message(index: nil, shards: []) { _ = try $0.write(name, [0x80, 2]) }
    #expect(text.contains(name) && text.contains("pickle"))
  }

  @Test func anEmptyFolderIsNotFound() {
    #expect(message(index: nil, shards: []).contains("no .safetensors"))
  }

  @Test func aCheckpointWithoutTensorsOpensAndAPlanRefusesIt() throws {
    let opened = try checkpoint(index: nil, shards: [[]], names: ["model.safetensors"])
    #expect(opened.tensors.isEmpty && opened.tensorByteCount == 0)
    #expect(throws: CheckpointError.self) {
      try ModelFamily.parameters(of: opened, keepsDraft: true)
    }
  }

  /// Dimensions whose product is 0 or overflows on the way: nothing may be computed from them blindly.
  @Test(arguments: [
    [1 << 62, 0], [0, 1 << 62], [0, 1 << 62, 1 << 62], [1 << 62, 0, 4], [0], [0, 0],
  ])
  func emptyTensorsOfAnyShapeDoNotTrap(shape: [Int]) throws {
    let folder = try TemporaryFolder()
    let kinds: [ElementType] = [.f32, .i64, .f8e4m3, .u8, .i8, .f4, .f8e8m0]
    let path = try CheckpointBuilder(
      tensors: kinds.flatMap { kind in
        [
          CheckpointBuilder.Tensor("\(kind).weight", kind, shape, []),
          CheckpointBuilder.Tensor("\(kind).scale", .f8e8m0, shape, []),
        ]
      }
    ).write("model", in: folder)
    let opened = try Checkpoint.open(path, environment: [:])
    #expect(opened.tensorByteCount == 0)
    for tensor in opened.tensors {
      _ = (tensor.byteCount, tensor.rowByteCount, tensor.scaleRowByteCount, tensor.rowsPerScaleRow)
    }
  }
}
