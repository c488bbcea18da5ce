import ArgumentParser
import Quern

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "convert")
  @Argument var checkpoint: String
  @Option var to = "gguf"
  @Option var recipe = "source"
  @Option(name: .shortAndLong) var output: String
  @Option var threads = 2

  func run() throws {
    let opened = try Checkpoint.open(checkpoint, environment: [:])
    let recipe = try Recipe.load(recipe, target: to)
    var name = String(output.split(separator: "/").last ?? "")
    if name.hasSuffix(".gguf") { name.removeLast(5) }
    let plan = try ConversionPlan.gguf(opened, recipe: recipe, options: .init(), outputName: name)
    for w in plan.warnings { print("warning:", w) }
    let certificate = try Conversion(plan, outputPath: output, threadCount: threads).run()
    print(plan.outputByteCount, certificate.rows.count)
  }
}
