import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

/// Executes the specifications in `formats/containers` against the readers and writers.
struct ContainerSpecTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func spec(_ name: String) throws -> JSONObject {
    let path = TestData.format("containers/\(name)/spec.json").path
    let value = try JSONValue(parsing: InputFile.contents(of: path, limit: 1 << 20))
    return try #require(value.object)
  }

  private static func examples(_ spec: JSONObject) throws -> [JSONObject] {
    try #require(spec["examples"]?.array).compactMap(\.object)
  }

  /// The bytes of an example: rows of hex digits with what they mean.
  private static func bytes(_ example: JSONObject) throws -> [UInt8] {
    try #require(example["bytes"]?.array).flatMap { row in
      (row.object?["hex"]?.string ?? "").split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }
  }

  private static func range(_ tensor: JSONObject) throws -> ByteRange {
    let begin = try #require(tensor["begin"]?.integer)
    return ByteRange(offset: begin, byteCount: try #require(tensor["end"]?.integer) - begin)
  }

  private static func shape(_ tensor: JSONObject) -> Shape {
    Shape(tensor["shape"]?.array?.compactMap(\.integer) ?? [])
  }

  // MARK: safetensors

  @Test func safetensorsTypesAreThoseOfTheSpec() throws {
    let spec = try Self.spec("safetensors")
    let types = try #require(spec["elementTypes"]?.array).compactMap(\.object)
    #expect(types.map { $0["name"]?.string } == ElementType.allCases.map(\.rawValue))
    #expect(types.map { $0["bits"]?.integer } == ElementType.allCases.map(\.bitWidth))
    #expect(
      spec["limits"]?.object?["headerByteCount"]?.integer == SafetensorsFile.maximumHeaderByteCount)
  }

  @Test func safetensorsExamplesReadAsTheyAreDescribed() throws {
    for example in try Self.examples(Self.spec("safetensors")) {
      let file = try SafetensorsFile(path: folder.write("a", Self.bytes(example)))
      let metadata = try #require(example["metadata"]?.object).members
      #expect(file.metadata.count == metadata.count)
      for (key, value) in metadata { #expect(file.metadata[key] == value.string) }
      let tensors = try #require(example["tensors"]?.array).compactMap(\.object)
      #expect(file.tensors.count == tensors.count)
      for (tensor, expected) in zip(file.tensors, tensors) {
        #expect(tensor.name.text == expected["name"]?.string)
        #expect(tensor.elementType.rawValue == expected["type"]?.string)
        #expect(tensor.shape == Self.shape(expected))
        #expect(try tensor.range == Self.range(expected))
      }
    }
  }

  // MARK: GGUF

  @Test func ggufExamplesReadAndAreWrittenAsTheyAreDescribed() throws {
    for example in try Self.examples(Self.spec("gguf")) {
      let keyValues = try Self.keyValues(example)
      let tensors = try #require(example["tensors"]?.array).compactMap(\.object)
      let header = try GGUFHeader(
        keyValues: keyValues,
        tensors: tensors.map {
          let type = try #require(GGMLType.named($0["type"]?.string ?? ""))
          return .init(TensorName($0["name"]?.string ?? ""), type, Self.shape($0))
        }, file: "out")
      #expect(try header.bytes == Self.bytes(example))
      #expect(header.alignment == example["alignment"]?.integer)
      #expect(header.dataOffset == example["dataOffset"]?.integer)
      #expect(header.fileByteCount == example["fileByteCount"]?.integer)
      #expect(try header.ranges == tensors.map(Self.range))

      let data = [UInt8](repeating: 0, count: header.fileByteCount - header.dataOffset)
      let file = try GGUFFile(path: folder.write("a", Self.bytes(example) + data))
      #expect(file.keyValues == keyValues)
      #expect(file.tensors.map(\.range) == header.ranges)
      #expect(file.tensors.map(\.shape) == tensors.map(Self.shape))
    }
  }

  private static func keyValues(_ example: JSONObject) throws -> [GGUFKeyValue] {
    try #require(example["keyValues"]?.array).compactMap(\.object).map { entry in
      let key = try #require(entry["key"]?.string)
      let value = try #require(entry["value"])
      switch entry["type"]?.string {
      case "string": return GGUFKeyValue(key, .text(try #require(value.string)))
      case "uint32": return GGUFKeyValue(key, .uint32(UInt32(try #require(value.integer))))
      case "float32": return GGUFKeyValue(key, .float32(Float(try #require(value.real))))
      default:
        var strings = GGUFStrings()
        for text in try #require(value.array).compactMap(\.string) { strings.append(text.utf8) }
        return GGUFKeyValue(key, .array(.strings(strings)))
      }
    }
  }

  @Test(
    arguments: [
      ("uint8", .uint8(1)), ("int8", .int8(1)), ("uint16", .uint16(1)), ("int16", .int16(1)),
      ("uint32", .uint32(1)), ("int32", .int32(1)), ("float32", .float32(1)), ("bool", .bool(true)),
      ("string", .text("x")), ("array", .array(.uint8([1]))), ("uint64", .uint64(1)),
      ("int64", .int64(1)), ("float64", .float64(1)),
    ] as [(String, GGUFValue)])
  func ggufValueTypesAreThoseOfTheSpec(name: String, value: GGUFValue) throws {
    let rows = try #require(try Self.spec("gguf")["valueTypes"]?.array).compactMap(\.object)
    let row = try #require(rows.first { $0["name"]?.string == name })
    let header = try GGUFHeader(keyValues: [GGUFKeyValue("k", value)], tensors: [], file: "out")
    let typeOffset = 24 + 8 + 1
    #expect(header.bytes[typeOffset] == UInt8(try #require(row["id"]?.integer)))
    if let byteCount = row["byteCount"]?.integer {
      #expect(header.bytes.count == typeOffset + 4 + byteCount)
    }
  }

  // MARK: JSON

  @Test func jsonExamplesAreAcceptedAndRefused() throws {
    let spec = try Self.spec("json")
    #expect(spec["limits"]?.object?["depth"]?.integer == JSONScanner.maximumDepth)
    for text in try #require(spec["accept"]?.array).compactMap(\.string) {
      #expect(throws: Never.self, "\(text)") { try JSONValue(parsing: Array(text.utf8)) }
    }
    for text in try #require(spec["refuse"]?.array).compactMap({ $0.object?["text"]?.string }) {
      #expect(throws: JSONError.self, "\(text)") { try JSONValue(parsing: Array(text.utf8)) }
    }
  }
}
