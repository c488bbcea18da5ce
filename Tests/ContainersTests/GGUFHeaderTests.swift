import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct GGUFHeaderTests {
  @Test(arguments: GGUFFileTests.files + ["malformed/gguf/ok-all-kv-types.gguf"])
  func aReadFileIsWrittenWithTheSameBytes(path: String) throws {
    let file = try GGUFFile(path: TestData.url(path).path)
    let header = try GGUFHeader(
      keyValues: file.keyValues,
      tensors: file.tensors.map { .init($0.name, $0.type, $0.shape) }, file: "out")
    let input = try InputFile(path: file.path)
    #expect(try header.bytes == input.bytes(in: file.headerBytes))
    #expect(header.ranges == file.tensors.map(\.range))
    #expect(header.fileByteCount == file.byteCount)
  }

  @Test(arguments: [1, 8, 32, 64, 4096] as [UInt32])
  func offsetsFollowTheAlignmentInTheMetadata(alignment: UInt32) throws {
    let header = try GGUFHeader(
      keyValues: [GGUFKeyValue("general.alignment", .uint32(alignment))],
      tensors: [.init("a", .f32, [3]), .init("b", .q8_0, [2, 32]), .init("c", .f32, [0])],
      file: "out")
    let step = Int(alignment)
    #expect(header.alignment == step)
    #expect(header.ranges.allSatisfy { $0.offset % step == 0 })
    #expect(header.dataOffset % step == 0)
    #expect(header.fileByteCount % step == 0)
    #expect(header.ranges[0] == ByteRange(offset: header.dataOffset, byteCount: 12))
    let folder = try TemporaryFolder()
    let data = [UInt8](repeating: 0, count: header.fileByteCount - header.dataOffset)
    let file = try GGUFFile(path: folder.write("a", header.bytes + data))
    #expect(file.tensors.map(\.range) == header.ranges)
    #expect(file.tensors[1].dimensions == [32, 2])
    #expect(file.tensors[1].shape == [2, 32])
  }

  @Test func aFileWithoutTensorsHasNoPadding() throws {
    let header = try GGUFHeader(keyValues: [GGUFKeyValue("a", .bool(true))], tensors: [], file: "o")
    #expect(header.bytes.count == 24 + 8 + 1 + 4 + 1)
    #expect(header.fileByteCount == header.bytes.count)
    let folder = try TemporaryFolder()
    #expect(try GGUFFile(path: folder.write("a", header.bytes)).trailingByteCount == 0)
  }

  @Test func stringsNeedNotBeUTF8() throws {
    var tokens = GGUFStrings()
    for token in [[0xff], [], [0x61, 0]] as [[UInt8]] { tokens.append(token) }
    let keyValues = [
      GGUFKeyValue("tokens", .array(.strings(tokens))),
      GGUFKeyValue("s", .string(GGUFString(bytes: [0xc0, 0xaf]))),
    ]
    let header = try GGUFHeader(keyValues: keyValues, tensors: [], file: "o")
    let folder = try TemporaryFolder()
    #expect(try GGUFFile(path: folder.write("a", header.bytes)).keyValues == keyValues)
  }

  @Test(
    arguments: [
      .uint8(.max), .int8(.min), .uint16(.max), .int16(.min), .uint32(.max), .int32(.min),
      .uint64(.max), .int64(.min), .float32(-0.1), .float64(.pi), .bool(false), .bool(true),
      .text("é\0"), .array(.uint8([0, 255])), .array(.int8([-1])), .array(.uint16([.max, 1])),
      .array(.int16([.min])), .array(.uint32([.max])), .array(.int32([.min, 7])),
      .array(.uint64([.max])), .array(.int64([.min])), .array(.float32([1.5, -0.25])),
      .array(.float64([.leastNonzeroMagnitude])), .array(.bool([true, false])), .array(.int32([])),
    ] as [GGUFValue])
  func valuesReadBackAsTheyWereWritten(value: GGUFValue) throws {
    let keyValues = [GGUFKeyValue("a", value), GGUFKeyValue("b", .uint8(1))]
    let header = try GGUFHeader(keyValues: keyValues, tensors: [], file: "o")
    let folder = try TemporaryFolder()
    #expect(try GGUFFile(path: folder.write("a", header.bytes)).keyValues == keyValues)
  }

  @Test func longStringsAndArraysCrossTheReadersWindow() throws {
    var strings = GGUFStrings()
    for length in [0, 300_000, 1, 262_144, 17] {
      strings.append([UInt8](repeating: UInt8(length & 0x7f), count: length))
    }
    let keyValues = [
      GGUFKeyValue("a", .array(.uint32((0..<100_000).map { $0 &* 2_654_435_761 }))),
      GGUFKeyValue("b", .array(.strings(strings))),
      GGUFKeyValue("c", .array(.float32([]))),
      GGUFKeyValue("d", .array(.int16((0..<1000).map { Int16($0) }))),
      GGUFKeyValue("e", .text(String(repeating: "é", count: 400_000))),
    ]
    let header = try GGUFHeader(keyValues: keyValues, tensors: [], file: "o")
    let folder = try TemporaryFolder()
    #expect(try GGUFFile(path: folder.write("a", header.bytes)).keyValues == keyValues)
  }

  @Test(
    arguments: [
      [.init("a", .f32, [1]), .init("a", .f32, [1])],
      [.init(TensorName(String(repeating: "n", count: 64)), .f32, [1])],
      [.init("a", .f32, [1, 1, 1, 1, 1])], [.init("a", .q8_0, [33])], [.init("a", .q8_0, [])],
      [.init("a", .f32, [-1])], [.init("a", .f32, [Int.max])],
      [.init("a", .q8_0, [Int.max / 64, 64])],
      [.init("a", .f32, [1 << 60]), .init("b", .f32, [1 << 60])],
    ] as [[GGUFHeader.Tensor]])
  func refusesTensorsThatNoReaderWouldTake(tensors: [GGUFHeader.Tensor]) {
    #expect(throws: GGUFError.self) { try GGUFHeader(keyValues: [], tensors: tensors, file: "o") }
  }

  @Test(arguments: [
    [GGUFKeyValue("", .bool(true))],
    [GGUFKeyValue("a", .bool(true)), GGUFKeyValue("a", .bool(true))],
    [GGUFKeyValue("general.alignment", .uint64(32))],
    [GGUFKeyValue("general.alignment", .uint32(0))],
    [GGUFKeyValue("general.alignment", .uint32(48))],
  ])
  func refusesMetadataThatNoReaderWouldTake(keyValues: [GGUFKeyValue]) {
    #expect(throws: GGUFError.self) { try GGUFHeader(keyValues: keyValues, tensors: [], file: "o") }
  }

  @Test func aNameOf63BytesFits() throws {
    let name = TensorName(String(repeating: "n", count: 63))
    _ = try GGUFHeader(keyValues: [], tensors: [.init(name, .f32, [1])], file: "o")
  }
}
