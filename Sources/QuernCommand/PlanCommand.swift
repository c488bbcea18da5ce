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
        quern plan ./checkpoint --target-size 16GB
        quern plan ./checkpoint --explore
        quern plan ./checkpoint --to ascend --recipe w4a8 --rotate
      """)

  @OptionGroup var choices: ConversionChoices

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where the output would go (default: model.gguf, or a folder model).", valueName: "path"),
    completion: .file(), transform: OutputPath.init(argument:))
  var output: OutputPath?

  @Flag(
    help: """
      Show what each built-in recipe and some budgets make of the model: size, and the error by a \
      sample of the weights.
      """)
  var explore = false

  @Flag(help: "List every tensor: by default, layers and experts share a row.")
  var all = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    try output?.check(for: choices.to)
    if explore, choices.to != .gguf { throw ValidationError("--explore is for --to gguf") }
    guard explore else { return try choices.checkDecidesTypes() }
    if choices.budget != nil || all {
      throw ValidationError("--explore shows budgets of its own, and no tensors")
    }
  }

  func run() throws {
    if explore { return try runExploration() }
    let path = output?.path ?? (choices.to == .gguf ? "model.gguf" : "model")
    let choice = try choices.choosePlan(outputName: output?.name ?? "model")
    choice.plan.warnings.forEach(Messages.warning)
    let report = PlanReport(
      choice.plan, budget: choice.budget,
      rotation: choices.rotate ? try RotationComparison(choice.plan) : nil,
      fourBits: try FourBitComparison(choice.plan), outputPath: path,
      threadCount: choices.threads.count)
    if json {
      try report.printJSON()
    } else {
      try report.printText(listsAll: all)
    }
  }

  private func runExploration() throws {
    let report = try choices.explore(outputName: output?.name ?? "model")
    if json {
      try report.printJSON()
    } else {
      try report.printText()
    }
  }
}
