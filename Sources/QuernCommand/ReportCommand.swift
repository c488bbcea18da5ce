import ArgumentParser
import Quern

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Makes a page of certificates and parity runs, outputs side by side.",
    discussion: """
      One HTML file without scripts that loads nothing: size and bits, how much is exact, the worst \
      tensors, errors by layer and role, and where parity was run how far words and stream differ. A \
      parity file and a certificate of the same output are shown together.

      Examples:
        quern report model.gguf -o report.html
        quern report model.gguf parity.json -o report.html
        quern report q4.gguf q8.gguf q4.parity.json q8.parity.json -o report.html
        quern report ./model-w8a8 ./model-w4a8 -o report.html --overwrite
      """)

  @Argument(
    help: ArgumentHelp(
      "Certificates, parity files, or the GGUF files and folders that certificates lie beside.",
      valueName: "file"),
    completion: .file())
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The page to make.", valueName: "file.html"), completion: .file())
  var output: String

  @Flag(help: "Replace a page that exists.")
  var overwrite = false

  func validate() throws {
    guard inputs.count <= Report.inputLimit else {
      throw ValidationError("a page shows at most \(Report.inputLimit) files, not \(inputs.count)")
    }
    guard !output.isEmpty else { throw ValidationError("an output needs a name") }
  }

  func run() throws {
    try checkOutput()
    let report = try Report(of: inputs)
    do throws(FileError) {
      try NewFile.publish(Array(report.html.utf8), as: output, replacing: overwrite)
    } catch {
      throw Self.failure(error)
    }
    let names = report.outputNames.map(\.escapedForDisplay).joined(separator: ", ")
    try StandardOutput.line("\(output.escapedForDisplay): \(names)")
  }

  /// Refuses, before anything is read, a page that exists or would replace an input.
  private func checkOutput() throws(CommandFailure) {
    guard FileSystem.exists(output) else { return }
    guard overwrite else { throw Self.failure(FileError(output, .create, .alreadyExists)) }
    let target = try? FileSystem.canonicalPath(output)
    for input in inputs where target != nil && (try? FileSystem.canonicalPath(input)) == target {
      throw CommandFailure(
        status: .cannotCreate,
        description: "\(output.escapedForDisplay): cannot create: it is one of the inputs")
    }
  }

  private static func failure(_ error: FileError) -> CommandFailure {
    let advice = error.kind == .alreadyExists ? "; --overwrite replaces it" : ""
    let isWriting = [.noSpace, .busy].contains(error.kind) || error.operation == .write
    return CommandFailure(
      status: isWriting ? .inputOutput : .cannotCreate, description: "\(error)\(advice)")
  }
}
