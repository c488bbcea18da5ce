import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct SafetensorsHeaderTests {
  static let tensors: [SafetensorsHeader.Tensor] = [
    .init("z", .f8e4m3, [3]), .init("a\"\n\u{1b}", .f32, [2, 2]), .init("empty", .i64, [0]),
    .init("scalar", .bf16, []), .init("fp4", .f4, [4]), .init("é", .u8, [1]),
    .init("e\u{301}", .u8, [1]),
  ]

  @Test func readsBackAsItWasMade() throws {
    let header = try SafetensorsHeader(
      tensors: Self.tensors, metadata: [("format", "pt"), ("x", "\"")], file: "out")
    let payload = [UInt8](repeating: 7, count: header.fileByteCount - header.bytes.count)
    let folder = try TemporaryFolder()
    let file = try SafetensorsFile(path: folder.write("a", header.bytes + payload))
    #expect(file.byteCount == header.fileByteCount)
    #expect(file.headerBytes.byteCount == header.bytes.count)
    #expect(file.metadata == ["format": "pt", "x": "\""])
    #expect(file.tensors.count == Self.tensors.count)
    #expect(Set(file.tensors.map(\.name)) == Set(Self.tensors.map(\.name)))
    for (tensor, range) in zip(Self.tensors, header.ranges) {
      let read = try #require(file.tensors.first { $0.name == tensor.name })
      #expect(read.range == range)
      #expect(read.shape == tensor.shape)
      #expect(read.elementType == tensor.elementType)
    }
  }

  @Test func thePayloadStartsAtAMultipleOfEight() throws {
    for length in 0..<9 {
      let name = TensorName(String(repeating: "n", count: length))
      let header = try SafetensorsHeader(tensors: [.init(name, .u8, [1])], file: "out")
      #expect(header.bytes.count % 8 == 0)
      #expect(header.ranges == [ByteRange(offset: header.bytes.count, byteCount: 1)])
    }
  }

  @Test(
    arguments: [
      [.init("a", .u8, [1]), .init("a", .u8, [1])], [.init("__metadata__", .u8, [1])],
      [.init("a", .f4, [3])], [.init("a", .f32, [Int.max])], [.init("a", .u8, [-1])],
      [.init("a", .u8, [Int.max / 2]), .init("b", .u8, [Int.max / 2])],
    ] as [[SafetensorsHeader.Tensor]])
  func refusesWhatNoReaderWouldTake(tensors: [SafetensorsHeader.Tensor]) {
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader(tensors: tensors, file: "out")
    }
  }

  @Test func aHundredThousandTensorsAreReadInOrder() throws {
    let tensors = (0..<100_000).map {
      SafetensorsHeader.Tensor(
        TensorName("model.layers.\($0 / 1000).mlp.experts.\($0 % 1000).weight"), .u8, [1, 1])
    }
    let header = try SafetensorsHeader(tensors: tensors, file: "out")
    let folder = try TemporaryFolder()
    let path = try folder.write("a", header.bytes + [UInt8](repeating: 0, count: 100_000))
    let file = try SafetensorsFile(path: path)
    #expect(file.tensors.map(\.name) == tensors.map(\.name))
  }
}
