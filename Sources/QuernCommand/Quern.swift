import ArgumentParser
import Quern

@main
struct QuernCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quern",
    abstract:
      "Turns a released model checkpoint into one that runs on smaller hardware, and proves what that cost.",
    version: Conversion.toolVersion, subcommands: [ConvertCommand.self, BenchCommand.self])
}
