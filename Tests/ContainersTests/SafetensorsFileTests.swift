import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct SafetensorsFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Writes a file of a header and that many payload bytes.
  private func write(_ header: String, payload: Int = 0) throws -> String {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init)
    return try folder.write(
      "a.safetensors", length + Array(header.utf8) + [UInt8](repeating: 0, count: payload))
  }

  private func refusal(of path: String) -> InputProblem? {
    do throws(SafetensorsError) {
      _ = try SafetensorsFile(path: path)
    } catch {
      if case .malformed(let defect) = error { return defect }
    }
    return nil
  }

  @Test func givesTensorsInTheOrderOfThePayload() throws {
    let header = """
      {"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]},\
      "__metadata__":{"format":"pt"},\
      "a":{"shape":[3,1],"data_offsets":[0,3],"dtype":"F8_E4M3","note":{"x":[1,{}]}},\
      "s":{"dtype":"BOOL","shape":[],"data_offsets":[11,12]},\
      "e":{"dtype":"F16","shape":[0,7],"data_offsets":[3,3]}}
      """
    let file = try SafetensorsFile(path: write(header, payload: 12))
    let start = 8 + header.utf8.count
    #expect(file.headerBytes == ByteRange(offset: 0, byteCount: start))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.map(\.name) == ["a", "e", "b", "s"])
    #expect(file.tensors[0].elementType == .f8e4m3)
    #expect(file.tensors[0].shape == [3, 1])
    #expect(file.tensors[0].range == ByteRange(offset: start, byteCount: 3))
    #expect(file.tensors[2].range == ByteRange(offset: start + 3, byteCount: 8))
    #expect(file.tensors[3].shape == [])
  }

  @Test func aDefectNamesFileTensorFieldFoundAndExpected() throws {
    let path = try write(
      "{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,12]}}", payload: 12)
    let defect = try #require(refusal(of: path))
    #expect(
      defect.description
        == "\(path): tensor \"w\": data_offsets: found [0, 12]: 12 bytes, "
        + "expected 16 bytes for F32 [4]")
  }

  @Test func aTruncatedFileNamesTheMissingBytes() throws {
    let header = """
      {"a":{"dtype":"U8","shape":[10],"data_offsets":[0,10]},\
      "b":{"dtype":"U8","shape":[90],"data_offsets":[10,100]}}
      """
    let defect = try #require(refusal(of: write(header, payload: 60)))
    #expect(defect.tensor == "b")
    #expect(defect.hint == "40 bytes are missing; the file was cut short")
  }

  @Test func bytesOfNoTensorAreRefused() throws {
    let header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
    let defect = try #require(refusal(of: write(header, payload: 4)))
    #expect(defect.hint == "3 bytes at the end belong to no tensor")
  }

  @Test(
    arguments: [
      ("[0,4294967296,4294967296]", [0, 0], true), ("[4611686018427387904,4,0]", [0, 0], false),
      ("[9223372036854775807]", [0, 0], false), ("[2305843009213693952]", [0, 0], false),
      ("[1]", [9_223_372_036_854_775_803, 9_223_372_036_854_775_807], false),
      ("[1]", [4, 0], false), ("[1]", [-4, 0], false),
    ] as [(String, [Int], Bool)])
  func hugeNumbersAreRefusedWithoutOverflow(shape: String, offsets: [Int], isAccepted: Bool) throws
  {
    let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
    let defect = refusal(of: try write(header, payload: 0))
    #expect((defect == nil) == isAccepted)
    #expect(isAccepted || defect?.tensor == "w")
  }

  @Test(arguments: [
    ("F4", 4, 2, true), ("F4", 3, 1, false), ("F4", 3, 2, false), ("F6_E2M3", 4, 3, true),
    ("F6_E2M3", 3, 2, false),
  ])
  func packedTypesFillWholeBytes(type: String, count: Int, bytes: Int, isAccepted: Bool) throws {
    let header =
      "{\"w\":{\"dtype\":\"\(type)\",\"shape\":[\(count)],\"data_offsets\":[0,\(bytes)]}}"
    #expect((refusal(of: try write(header, payload: bytes)) == nil) == isAccepted)
  }

  @Test(
    arguments: [
      (Array("GGUF\u{3}\0\0\0\u{1}\0\0\0".utf8), "GGUF"),
      (Array("PK\u{3}\u{4}\u{14}\0\0\0\0\0\u{8}".utf8), "pickle"),
      ([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9], "pickle"),
      ([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3], "gzip"),
      (Array("version https://git-lfs.github.com/spec/v1\noid sha256:00".utf8), "git lfs pull"),
      (Array("<!DOCTYPE html><html><body>404".utf8), "web page"),
      (Array("<html lang=en>".utf8), "web page"), ([UInt8](repeating: 0, count: 64), "zeros"),
    ] as [([UInt8], String)])
  func aFileThatIsSomethingElseSaysSo(bytes: [UInt8], hint: String) throws {
    let defect = try #require(refusal(of: folder.write("a.safetensors", bytes)))
    #expect(defect.hint?.contains(hint) == true)
  }

  @Test(arguments: [(100_000_001, 8), (Int.max, 8), (9, 8), (0, 8), (1, 0)])
  func aHeaderLengthIsCheckedAgainstTheFileAndTheLimit(length: Int, payload: Int) throws {
    let word = withUnsafeBytes(of: UInt64(length).littleEndian, Array.init)
    let path = try folder.write("a.safetensors", word + [UInt8](repeating: 0x20, count: payload))
    #expect(refusal(of: path)?.field == "header")
  }

  @Test func aMessageIsNoLongerThanAScreenAndEscaped() throws {
    let name = String(repeating: "x", count: 100_000)
    let defect = try #require(refusal(of: write("{\"\\u001b[2J\(name)\":null}")))
    #expect(defect.description.utf8.count < 1000)
    #expect(defect.description.contains("\\u{1b}[2J"))
  }

  @Test func whatCannotBeOpenedIsUnreadable() {
    let path = folder.path("none")
    #expect(throws: SafetensorsError.unreadable(FileError(path, .open, .notFound))) {
      try SafetensorsFile(path: path)
    }
  }
}
