import QuernTestSupport
import Testing

/// A command line, its exit code and what its message must say.
struct CommandCase: CustomTestStringConvertible, Sendable {
  let arguments: String
  let code: Int32
  let message: String

  init(_ arguments: String, _ code: Int32, _ message: String) {
    self.arguments = arguments
    self.code = code
    self.message = message
  }

  var testDescription: String { arguments }
}

@Suite struct ExitStatusTests {
  static let cases: [CommandCase] = [
    .init("no-such-command", 64, "Unexpected argument"),
    .init("convert", 64, "<checkpoint>"),
    .init("convert MODEL --recipe q8_0", 64, "--output"),
    .init("convert MODEL --recipe q8_0 -o out.bin", 64, ".gguf"),
    .init("convert MODEL --recipe q8_0 -o .gguf", 64, ".gguf"),
    .init("convert MODEL --recipe q9 -o out.gguf", 64, "source, q8_0, q4_0"),
    .init("convert MODEL --recipe q8_0 -o out.gguf --threads 0", 64, "--threads"),
    .init("convert MODEL --recipe q8_0 -o out.gguf --to onnx", 64, "--to"),
    .init("convert MODEL --recipe q8_0 -o out.gguf --split-max-size 0", 64, "--split-max-size"),
    .init("convert MODEL --recipe q8_0 -o out.gguf --mtp maybe", 64, "--mtp"),
    .init("recipes q9", 64, "q9"),
    .init("plan MODEL --recipe unknown-key.json5", 65, "\"rule\""),
    .init("plan MODEL --recipe unknown-type.json5", 65, "q9_9"),
    .init("plan MODEL --recipe matches-nothing.json5", 65, "nothing.weight"),
    .init("convert MODEL/config.json --recipe q8_0 -o out.gguf", 65, "folder"),
    .init("plan MODEL --recipe ./no-such-file.json5", 66, "no-such-file.json5"),
    .init("plan no-such-folder --recipe q8_0", 66, "no-such-folder"),
    .init("plan org/name --recipe q8_0", 66, "models--org--name"),
    .init("plan . --recipe q8_0", 66, ".safetensors"),
    .init("inspect no-such-file.gguf", 66, "no-such-file.gguf"),
    .init("plan MODEL --recipe q8_0 --chat-template none.jinja", 66, "none.jinja"),
    .init("convert MODEL --recipe q8_0 -o no-such-folder/out.gguf", 73, "no-such-folder"),
    .init("convert MODEL --recipe q8_0 -o taken.gguf", 73, "--overwrite"),
    .init("convert MODEL --recipe q8_0 -o folder.gguf --overwrite", 73, "is a folder"),
  ]

  @Test(arguments: cases) func everyRefusalHasItsCodeAndOneMessage(_ command: CommandCase) throws {
    let scratch = try Scratch()
    try scratch.write("{rule: []}", to: "unknown-key.json5")
    try scratch.write("{rules: [{match: \"*\", type: \"q9_9\"}]}", to: "unknown-type.json5")
    try scratch.write(
      "{rules: [{match: \"nothing.weight\", type: \"f32\"}]}", to: "matches-nothing.json5")
    try scratch.write("mine", to: "taken.gguf")
    try Scratch.makeFolder(scratch.path("folder.gguf"))
    let before = scratch.names
    let model = TestData.url("stories260K/f32").path
    let arguments = command.arguments.split(separator: " ").map {
      String($0).replacing("MODEL", with: model)
    }
    let result = try QuernProcess(arguments, in: scratch.url).wait()
    #expect(result.code == command.code)
    #expect(result.output.isEmpty)
    let lines = result.errors.split(separator: "\n").filter { !$0.hasPrefix("quern: warning: ") }
    #expect(lines.first?.hasPrefix("quern: error: ") == true)
    #expect(result.errors.contains(command.message), "\(result.errors)")
    #expect(command.code == 64 || lines.count == 1)
    #expect(scratch.names == before)
    #expect(try scratch.contents(of: "taken.gguf").elementsEqual("mine".utf8))
  }

  @Test(arguments: [
    "--help", "inspect --help", "plan --help", "convert --help", "recipes --help", "--version", "",
  ])
  func helpIsAResultAndNoError(_ arguments: String) throws {
    let result = try QuernProcess(arguments.split(separator: " ").map(String.init)).wait()
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    #expect(arguments == "--version" || result.output.contains("Examples:"))
  }

  @Test func aClosedPipeIsNoError() throws {
    let result = try QuernProcess.shell(
      "\"$0\" inspect --all \"$1\" | head -n 1", TestData.url("tiny-v4/upstream").path)
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    #expect(result.output.split(separator: "\n").count == 1)
  }

  #if os(Linux)
    @Test func aFullDiskBehindTheResultsIsAnError() throws {
      let result = try QuernProcess.shell("exec \"$0\" recipes > /dev/full")
      #expect(result.code == 74)
      #expect(result.errors.contains("No space left"))
    }
  #endif
}
