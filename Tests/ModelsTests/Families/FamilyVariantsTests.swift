import Foundation
import QuernCheckpoints
import QuernTestSupport
import Testing

@testable import QuernModels

/// The small models under other configurations: windows, rope scaling, routing.
@Suite struct FamilyVariantsTests {
  /// A model of `testdata/families` and what its config has instead.
  struct Variant: Sendable, CustomTestStringConvertible {
    let name: String
    let family: String

    var testDescription: String { name }

    static let all: [Variant] = {
      let table = (try? object(TestData.url("families/variants.json"))) ?? [:]
      return table.keys.sorted().compactMap { name in
        (table[name] as? [String: Any]).flatMap { $0["family"] as? String }
          .map { Variant(name: name, family: $0) }
      }
    }()

    private static func object(_ url: URL) throws -> [String: Any] {
      let value = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
      return try #require(value as? [String: Any])
    }

    private func changes() throws -> [String: Any] {
      let entry = try Self.object(TestData.url("families/variants.json"))[name] as? [String: Any]
      return try #require(entry?["config"] as? [String: Any])
    }

    /// The model's folder with the changed config.
    func write(to folder: TemporaryFolder) throws {
      let source = TestData.url("families/\(family)")
      let config = try Self.object(source.appending(path: "config.json"))
        .merging(try changes()) { $1 }
      try JSONSerialization.data(withJSONObject: config)
        .write(to: folder.url.appending(path: "config.json"))
      try FileManager.default.copyItem(
        at: source.appending(path: "model.safetensors"),
        to: folder.url.appending(path: "model.safetensors"))
    }
  }

  @Test func thereAreVariants() { #expect(Variant.all.count >= 25) }

  @Test(arguments: Variant.all)
  func logitsAreThoseOfTransformers(_ variant: Variant) throws {
    let folder = try TemporaryFolder()
    try variant.write(to: folder)
    let reference = try ReferenceTensors("families/variants.reference.safetensors")
    let run = try Running.run(at: folder.url.path)
    let found = try Running.forward(run, TokenBatch([try reference.tokens()])).logits.array
    let wanted = try reference.floats(variant.name)
    let error = relativeError(found.suffix(wanted.count), wanted)
    #expect(error < 1e-5, "\(error)")
  }
}
