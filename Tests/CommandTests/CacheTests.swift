import Foundation
import QuernContainers
import QuernTestSupport
import Testing

/// Checkpoints by `org/name`, from a Hugging Face cache made for the test.
@Suite struct CacheTests {
  private let commit = "0123456789abcdef0123456789abcdef01234567"
  private let home: Scratch

  init() throws {
    home = try Scratch()
    let repository = home.path("hub/models--tiny--stories")
    for folder in ["blobs", "refs", "snapshots/\(commit)"] {
      try Scratch.makeFolder("\(repository)/\(folder)")
    }
    try Data(commit.utf8).write(to: URL(filePath: "\(repository)/refs/main"))
    let source = TestData.url("stories260K/bf16-3shard")
    let names = try FileManager.default.contentsOfDirectory(atPath: source.path)
    for (index, name) in names.enumerated() {
      try FileManager.default.copyItem(
        at: source.appending(path: name), to: URL(filePath: "\(repository)/blobs/\(index)"))
      try Scratch.link("\(repository)/snapshots/\(commit)/\(name)", to: "../../blobs/\(index)")
    }
  }

  @Test(arguments: ["tiny/stories", "tiny/stories@main", "tiny/stories@COMMIT"])
  func anIdentifierIsFoundWithoutANetwork(_ argument: String) throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", argument.replacing("COMMIT", with: commit), "--recipe", "source", "-o", "out.gguf",
      "--json", in: scratch, environment: ["HF_HOME": home.url.path])
    #expect(result.code == 0, "\(result.errors)")
    let text = try scratch.contents(of: "out.gguf.certificate.json")
    let certificate = try #require(try JSONValue(parsing: Array(text)).object)
    #expect(certificate["repository"]?.string == "tiny/stories")
    #expect(certificate["revision"]?.string == commit)
  }

  @Test func everyVariableThatMovesTheCacheIsHeeded() throws {
    let hub = home.path("hub")
    let moved = try Scratch()
    try Scratch.makeFolder(moved.path("huggingface"))
    try Scratch.link(moved.path("huggingface/hub"), to: hub)
    try Scratch.makeFolder(moved.path(".cache"))
    try Scratch.link(moved.path(".cache/huggingface"), to: "../huggingface")
    for environment in [
      ["HF_HUB_CACHE": hub, "HF_HOME": "/nowhere"], ["XDG_CACHE_HOME": moved.url.path],
      ["HOME": moved.url.path],
    ] {
      let result = try QuernProcess.run("inspect", "tiny/stories", environment: environment)
      #expect(result.code == 0, "\(environment): \(result.errors)")
      #expect(result.output.contains("tiny/stories"))
    }
  }

  @Test(arguments: ["tiny/other", "tiny/stories@other", "tiny/stories@../../..", "tiny/.."])
  func whatTheCacheLacksIsNoInput(_ argument: String) throws {
    let result = try QuernProcess.run(
      "inspect", argument, environment: ["HF_HOME": home.url.path])
    #expect(result.code == 66)
    #expect(result.errors.contains(argument))
  }

  /// A link that leaves the repository would make a model of other people's files.
  @Test func aLinkOutOfTheRepositoryIsRefused() throws {
    let outside = try Scratch()
    try outside.write("{}", to: "config.json")
    let path = home.path("hub/models--tiny--stories/snapshots/\(commit)/config.json")
    try FileManager.default.removeItem(atPath: path)
    try Scratch.link(path, to: outside.path("config.json"))
    let result = try QuernProcess.run(
      "inspect", "tiny/stories", environment: ["HF_HOME": home.url.path])
    #expect(result.code == 65)
    #expect(result.errors.contains("config.json"))
  }
}
