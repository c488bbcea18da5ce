import ArgumentParser
import Quern

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what a safetensors file, a GGUF file or a checkpoint holds.",
    discussion: """
      Only headers are read. Exits with 65 when something is malformed.

      Examples:
        quern inspect ./checkpoint
        quern inspect model.gguf --all
        quern inspect org/name --json
      """)

  @Argument(
    help: ArgumentHelp(
      "A .safetensors or .gguf file, a folder, or org/name[@revision] of the Hugging Face cache.",
      valueName: "file|folder"))
  var input: String

  @Flag(help: "List every tensor: by default, layers and experts share a row.")
  var all = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let report = try report()
    if json {
      try report.printJSON()
    } else {
      try report.printText(listsAll: all)
    }
    guard let problem = report.problems.first else { return }
    let more = report.problems.count - 1
    throw CommandFailure(
      status: .data, description: problem + (more == 0 ? "" : " (and \(more) more)"))
  }

  private func report() throws -> InspectionReport {
    guard FileSystem.exists(input), !FileSystem.isFolder(input) else {
      return InspectionReport(
        try Checkpoint.open(input, environment: Environment.forCheckpoints))
    }
    if try isGGUF() { return InspectionReport(try GGUFFile(path: input)) }
    return InspectionReport(try SafetensorsFile(path: input))
  }

  /// By the name where it says so: a file of another kind under that name is malformed.
  private func isGGUF() throws -> Bool {
    if input.hasSuffix(".gguf") { return true }
    if input.hasSuffix(".safetensors") { return false }
    let file = try InputFile(path: input)
    let start = try file.bytes(in: ByteRange(offset: 0, byteCount: min(4, file.byteCount)))
    return start == Array("GGUF".utf8)
  }
}
