import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

/// Files of llama.cpp, compared with what PyPI's `gguf` reads in them.
struct GGUFFileTests {
  static let files = ["stories260K/llama.cpp-f32.gguf", "tiny-v4/llama.cpp.gguf"]

  private func dump(_ path: String) throws -> JSONObject {
    let bytes = try InputFile.contents(of: TestData.url(path + ".json").path, limit: 1 << 20)
    return try #require(try JSONValue(parsing: bytes).object)
  }

  @Test(arguments: files)
  func metadataEqualsTheDump(path: String) throws {
    let file = try GGUFFile(path: TestData.url(path).path)
    let metadata = try #require(try dump(path)["metadata"]?.object)
    #expect(file.keyValues.map(\.key) == metadata.members.map(\.key))
    for (key, entry) in metadata.members {
      let value = try #require(file[key])
      let (types, shown) = Self.described(value)
      #expect(entry.object?["type"]?.array?.compactMap(\.string) == types, "\(key)")
      let expected = try #require(entry.object?["value"])
      // The dump leaves out the template: the converter's own, not part of the checkpoint.
      if key == "tokenizer.chat_template", expected.string?.hasPrefix("(omitted") == true {
        continue
      }
      #expect(Self.matches(expected, shown), "\(key)")
    }
  }

  @Test(arguments: files)
  func tensorsEqualTheDump(path: String) throws {
    let file = try GGUFFile(path: TestData.url(path).path)
    let tensors = try #require(try dump(path)["tensors"]?.array).compactMap(\.object)
    #expect(file.tensors.count == tensors.count)
    for (tensor, expected) in zip(file.tensors, tensors) {
      #expect(tensor.name.text == expected["name"]?.string)
      #expect(tensor.type.name == expected["type"]?.string)
      #expect(tensor.dimensions == expected["shape"]?.array?.compactMap(\.integer))
      #expect(tensor.range.byteCount == expected["bytes"]?.integer)
      #expect(file.tensor(named: tensor.name) == tensor)
    }
    #expect(file.version == 3)
    #expect(file.alignment == 32)
    #expect(file.trailingByteCount == 0)
  }

  @Test func readsOneKeyOfEachType() throws {
    let path = TestData.url("malformed/gguf/ok-all-kv-types.gguf").path
    let types = try GGUFFile(path: path).keyValues.map { Self.described($0.value).types }
    #expect(Set(types.map(\.last)).count == 12)
    #expect(types.contains { $0.count == 2 })
  }

  @Test func bytesAfterTheLastTensorAreCounted() throws {
    let path = TestData.url("malformed/gguf/ok-trailing.gguf").path
    #expect(try GGUFFile(path: path).trailingByteCount > 0)
  }

  @Test(arguments: [
    ("big-endian", "big-endian"), ("version-4", "version 4"), ("name-dup", "a second time"),
    ("kv-type-13", "value type 13"), ("type-4", "type 4"), ("dims-5", "5 dimensions"),
    ("align-3", "general.alignment"), ("nkv-huge", "1152921504606846976 keys"),
    ("nkv-neg", "-1 keys"), ("no-padding", "cut short"), ("cut-payload", "cut short"),
  ])
  func messagesNameWhatWasFound(name: String, text: String) {
    let path = TestData.url("malformed/gguf/\(name).gguf").path
    #expect {
      try GGUFFile(path: path)
    } throws: { error in
      "\(error)".contains(text)
    }
  }

  /// Every cut is refused, and no byte of the header can be changed into a crash.
  @Test func noCutAndNoFlippedByteTraps() throws {
    let source = TestData.url("malformed/gguf/ok-all-kv-types.gguf").path
    let bytes = try InputFile.contents(of: source, limit: 1 << 20)
    let folder = try TemporaryFolder()
    let path = try folder.write("a", bytes)
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    for (position, byte) in bytes.enumerated() {
      for value in [0x7f, 0xff, byte] {
        try handle.seek(toOffset: UInt64(position))
        try handle.write(contentsOf: [value])
        if value != byte { _ = try? GGUFFile(path: path) }
      }
    }
    #expect(try InputFile.contents(of: path, limit: 1 << 20) == bytes)
    for length in bytes.indices.reversed() {
      try handle.truncate(atOffset: UInt64(length))
      #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
    }
  }

  // MARK: The dump's view of a value

  /// Type names as gguf-py has them, and the value as JSON.
  private static func described(_ value: GGUFValue) -> (types: [String], value: JSONValue) {
    switch value {
    case .uint8(let value): (["UINT8"], .integer(Int(value)))
    case .int8(let value): (["INT8"], .integer(Int(value)))
    case .uint16(let value): (["UINT16"], .integer(Int(value)))
    case .int16(let value): (["INT16"], .integer(Int(value)))
    case .uint32(let value): (["UINT32"], .integer(Int(value)))
    case .int32(let value): (["INT32"], .integer(Int(value)))
    case .uint64(let value): (["UINT64"], .integer(Int(clamping: value)))
    case .int64(let value): (["INT64"], .integer(Int(value)))
    case .float32(let value): (["FLOAT32"], .real(Double(value)))
    case .float64(let value): (["FLOAT64"], .real(value))
    case .bool(let value): (["BOOL"], .bool(value))
    case .string(let value): (["STRING"], .string(value.text))
    case .array(let values): described(values)
    }
  }

  private static func described(_ array: GGUFArray) -> (types: [String], value: JSONValue) {
    func list<T>(_ type: String, _ values: [T], _ element: (T) -> JSONValue) -> (
      [String], JSONValue
    ) {
      (["ARRAY", type], .array(values.map(element)))
    }
    return switch array {
    case .uint8(let values): list("UINT8", values) { .integer(Int($0)) }
    case .int8(let values): list("INT8", values) { .integer(Int($0)) }
    case .uint16(let values): list("UINT16", values) { .integer(Int($0)) }
    case .int16(let values): list("INT16", values) { .integer(Int($0)) }
    case .uint32(let values): list("UINT32", values) { .integer(Int($0)) }
    case .int32(let values): list("INT32", values) { .integer(Int($0)) }
    case .uint64(let values): list("UINT64", values) { .integer(Int(clamping: $0)) }
    case .int64(let values): list("INT64", values) { .integer(Int($0)) }
    case .float32(let values): list("FLOAT32", values) { .real(Double($0)) }
    case .float64(let values): list("FLOAT64", values) { .real($0) }
    case .bool(let values): list("BOOL", values) { .bool($0) }
    case .strings(let values):
      list("STRING", (0..<values.count).map { values[$0].text }) { .string($0) }
    }
  }

  /// Long arrays are dumped as their count and their first elements.
  private static func matches(_ expected: JSONValue, _ value: JSONValue) -> Bool {
    if let cut = expected.object, let values = value.array, let first = cut["first"]?.array {
      return cut["count"]?.integer == values.count
        && matches(.array(first), .array(Array(values.prefix(first.count))))
    }
    if let expected = expected.array, let values = value.array {
      return expected.count == values.count && zip(expected, values).allSatisfy(matches)
    }
    return expected == value || (expected.real != nil && expected.real == value.real)
  }
}
