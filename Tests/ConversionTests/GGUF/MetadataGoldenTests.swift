import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Every key, type and value beside the files of llama.cpp's own converter, tokenizer included.
struct MetadataGoldenTests {
  /// Keys that differ, and why.
  private static let differences = [
    "general.name": "comes from the folder, which had another name",
    "general.basename": "llama.cpp guesses it from the folder",
    "general.version": "llama.cpp guesses it from the folder",
    "general.file_type": "says what most weights of this file are",
    "tokenizer.chat_template": "llama.cpp adds one of its own, the release has none",
    "tokenizer.ggml.pre": "the golden was made with another name of the same patterns",
  ]

  @Test(arguments: [
    ("stories260K/f32", "stories260K/llama.cpp-f32.gguf"),
    ("tiny-v4/upstream", "tiny-v4/llama.cpp.gguf"),
  ])
  func metadataAreLlamaCppsSaveForTheListedKeys(checkpoint: String, golden: String) throws {
    let theirs = try GGUFFile(path: TestData.url(golden).path)
    for recipe in Converting.recipes {
      let folder = try TemporaryFolder()
      try Converting.run(Converting.plan(testData: checkpoint, recipe: recipe), in: folder)
      let ours = try GGUFFile(path: folder.path("out.gguf"))
      let isListed = { (entry: GGUFKeyValue) in Self.differences[entry.key] != nil }
      let (left, right) = (
        ours.keyValues.filter { !isListed($0) }, theirs.keyValues.filter { !isListed($0) }
      )
      #expect(left.map(\.key) == right.map(\.key))
      for (own, other) in zip(left, right) { #expect(own == other, "\(own.key)") }
      let fileType = ["source": golden.hasPrefix("tiny") ? 38 : 0, "q8_0": 7, "q4_0": 2][recipe]
      #expect(ours["general.file_type"] == fileType.map { .uint32(UInt32($0)) })
    }
  }
}
