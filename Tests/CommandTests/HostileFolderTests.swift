import Foundation
import QuernTestSupport
import Testing

/// Folders that no archive can hold, made on the spot.
@Suite struct HostileFolderTests {
  enum Entry: String, CaseIterable { case fifo, device, folder, loop, outside }

  @Test(arguments: Entry.allCases, ["model.safetensors", "config.json", "tokenizer.json"])
  func anythingButAFileIsRefusedAtOnce(_ entry: Entry, _ name: String) throws {
    let model = try copyOfTheStories()
    let path = model.path(name)
    let kept = model.path("kept")
    try FileManager.default.moveItem(atPath: path, toPath: kept)
    switch entry {
    case .fifo: #expect(mkfifo(path, 0o600) == 0)
    case .device: try Scratch.link(path, to: "/dev/zero")
    case .folder: try Scratch.makeFolder(path)
    case .loop: try Scratch.link(path, to: name)
    case .outside: try Scratch.link(path, to: kept)
    }
    let output = try Scratch()
    let start = Date()
    let result = try QuernProcess.run(
      "convert", model.url.path, "--recipe", "q8_0", "-o", "out.gguf", in: output)
    #expect([65, 66].contains(result.code), "\(result.errors)")
    #expect(result.errors.contains(name))
    #expect(Date().timeIntervalSince(start) < 10)
    #expect(output.names.isEmpty)
  }

  @Test func deepJSONIsRefusedEverywhere() throws {
    for name in [
      "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
    ] {
      let model = try copyOfTheStories()
      try model.write(String(repeating: "[", count: 1_000_000), to: name)
      let result = try QuernProcess.run(
        "convert", model.url.path, "--recipe", "q8_0", "-o", "out.gguf", in: try Scratch())
      #expect(result.code == 65 || name == "generation_config.json", "\(name): \(result.errors)")
      #expect(result.code >= 0)
    }
  }

  /// A product that is zero may pass through numbers that do not fit.
  @Test(arguments: ["[4611686018427387904,8,0]", "[0,4611686018427387904,8]"])
  func shapesThatOverflowOnTheWayToZeroAreNoTrap(_ shape: String) throws {
    let scratch = try Scratch()
    let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[0,0]}}"
    var file = Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    file.append(contentsOf: header.utf8)
    try file.write(to: scratch.url.appending(path: "w.safetensors"))
    let result = try QuernProcess.run("inspect", "w.safetensors", in: scratch)
    #expect([0, 65].contains(result.code), "\(result.errors)")
  }

  @Test func namesCannotActOnTheTerminal() throws {
    let scratch = try Scratch()
    let header =
      "{\"\\u001b[2Jw\\u202e\\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
    var file = Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    file.append(contentsOf: header.utf8 + [0, 0, 0, 0])
    try file.write(to: scratch.url.appending(path: "w.safetensors"))
    let result = try QuernProcess.run("inspect", "w.safetensors", in: scratch)
    #expect(result.code == 0)
    #expect(result.output.contains("\\u{1b}[2Jw\\u{202e}\\u{a}"))
    #expect(!result.output.contains("\u{1b}"))
  }

  private func copyOfTheStories() throws -> Scratch {
    let scratch = try Scratch()
    let source = TestData.url("stories260K/f32")
    for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
      try FileManager.default.copyItem(
        at: source.appending(path: name), to: scratch.url.appending(path: name))
    }
    return scratch
  }
}
