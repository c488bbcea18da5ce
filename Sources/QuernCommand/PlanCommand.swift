import ArgumentParser
import Quern

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Shows what a conversion would do, before a byte is written.",
    discussion: """
      Each tensor's encoding, role, type, method and the exactness to expect; sizes to the byte.

      Examples:
        quern plan ./checkpoint --to gguf --recipe q4_0
        quern plan org/name --recipe ./mine.json5 --all
        quern plan org/name@main --recipe q8_0 --split-max-size 50GB --json
      """)

  @OptionGroup var choices: ConversionChoices

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where the output would go (default: model.gguf).", valueName: "file.gguf"),
    completion: .file(extensions: ["gguf"]), transform: OutputPath.init(argument:))
  var output: OutputPath?

  @Flag(help: "List every tensor: by default, layers and experts share a row.")
  var all = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let path = output?.path ?? "model.gguf"
    let plan = try choices.plan(outputName: output?.name ?? "model")
    plan.warnings.forEach(Messages.warning)
    let report = PlanReport(plan, outputPath: path, threadCount: choices.threads.count)
    if json {
      try report.printJSON()
    } else {
      try report.printText(listsAll: all)
    }
  }
}
