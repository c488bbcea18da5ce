import Foundation
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Tensor tables and metadata beside those of llama.cpp's own converter.
struct FamilyGoldenTests {
  /// Why a key's value differs from llama.cpp's. Tokenizer keys are not in the dumps.
  private static let differences: [String: String] = [
    "general.file_type": "the goldens were made with --outtype f32, the weights here stay BF16"
  ]

  /// A folder of `testdata` where that has weights, otherwise one with the tensors of the family.
  private func checkpoint(_ family: String, in folder: TemporaryFolder) throws -> String {
    let url = TestData.url("families/\(family)")
    if FileManager.default.fileExists(atPath: url.appending(path: "model.safetensors").path) {
      return url.path
    }
    return try CheckpointBuilder(family: family).write(family, in: folder)
  }

  private func golden(_ path: String) throws -> JSONObject {
    let bytes = [UInt8](try Data(contentsOf: TestData.url(path)))
    return try #require(try JSONValue(parsing: bytes).object)
  }

  @Test(arguments: [
    "llama", "llama-rope-scaled", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "mixtral",
    "deepseek-v3", "deepseek-v3-tied", "deepseek-v3-fp8",
  ])
  func namesShapesAndMetadataAreLlamaCpps(family: String) throws {
    let folder = try TemporaryFolder()
    let recipe = try Recipe.load("source", target: .gguf)
    let plan = try Converting.plan(try checkpoint(family, in: folder), recipe: recipe)
    try Converting.run(plan, in: folder)
    let file = try GGUFFile(path: folder.path("out.gguf"))
    let golden = try golden("families/\(family).llama.cpp.gguf.json")

    var shapes: [String: [Int]] = [:]
    for tensor in (golden["tensors"]?.array ?? []).compactMap(\.object) {
      shapes[tensor["name"]?.string ?? ""] = (tensor["shape"]?.array ?? []).compactMap(\.integer)
    }
    #expect(shapes.count == file.tensors.count)
    for tensor in file.tensors {
      #expect(shapes[tensor.name.text] == tensor.dimensions, "\(tensor.name)")
    }

    let metadata = try #require(golden["metadata"]?.object)
    // Without tokenizer files the number of tokens must stand by itself.
    let keys = file.keyValues.map(\.key).filter {
      !$0.hasPrefix("tokenizer.") && (metadata[$0] != nil || !$0.hasSuffix(".vocab_size"))
    }
    #expect(keys == metadata.members.map(\.key))
    for (key, entry) in metadata.members where Self.differences[key] == nil {
      let value = try #require(file[key])
      let (type, shown) = Self.described(value)
      #expect(entry.object?["type"]?.array?.first?.string == type, "\(key)")
      #expect(entry.object?["value"].map { Self.isEqual($0, shown) } ?? false, "\(key): \(shown)")
    }
    // What FP8 is worth with scales that are no powers of two, no 16 bits hold.
    #expect(file["general.file_type"] == .uint32(family == "deepseek-v3-fp8" ? 0 : 32))
  }

  /// A scalar as the dumps spell its type, and its value.
  private static func described(_ value: GGUFValue) -> (String, JSONValue) {
    switch value {
    case .string(let text): ("STRING", .string(text.text))
    case .uint32(let number): ("UINT32", .integer(Int(number)))
    case .float32(let number): ("FLOAT32", .real(Double(number)))
    case .bool(let flag): ("BOOL", .bool(flag))
    default: ("another", .null)
    }
  }

  private static func isEqual(_ golden: JSONValue, _ ours: JSONValue) -> Bool {
    if let left = golden.real, let right = ours.real { return left == right }
    return golden == ours
  }

  /// The rotary factors stand in the file as the plan computed them.
  @Test func ropeFactorsAreWritten() throws {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(
      try checkpoint("llama-rope-scaled", in: folder), recipe: Recipe.load("q4_0", target: .gguf))
    let certificate = try Converting.run(plan, in: folder)
    let row = try #require(certificate.rows.first { $0.name == "rope_freqs.weight" })
    #expect(row.type == "f32" && row.shape == [16] && row.sources.isEmpty)
    #expect(row.classification == .exact && row.sums.signal > 0)
    let tensor = try #require(
      try Converting.tensors(folder.path("out.gguf"))["rope_freqs.weight"])
    let factors = try #require(ReferenceDecoder.decode(.f32, tensor.bytes))
    #expect(factors.first == 1 && factors.last == 8)
    #expect(factors == factors.sorted())
  }
}
