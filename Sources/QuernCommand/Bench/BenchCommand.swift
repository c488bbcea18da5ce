import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures this machine's speed, beside a peer in the same run.",
    subcommands: [BenchConvertCommand.self, BenchEncodeCommand.self, BenchRunCommand.self])
}
