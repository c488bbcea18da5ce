import ArgumentParser
import Quern

@main
struct QuernCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quern",
    abstract: "Turns a released model checkpoint into one that smaller hardware runs.",
    discussion: """
      Every value is accounted for: a certificate beside the output says of each tensor whether it \
      is exact, bounded or measured, and `quern verify` proves it.

      Examples:
        quern inspect deepseek-ai/DeepSeek-V4-Flash
        quern plan ./checkpoint --recipe q4_0
        quern convert ./checkpoint --recipe q4_0 -o model.gguf
        quern verify model.gguf --against ./checkpoint
        quern parity model.gguf --against ./checkpoint
        quern report model.gguf -o report.html

      Exit codes: 0 done, 1 a check failed, 64 usage, 65 bad data, 66 no input, 70 internal error, \
      73 cannot create, 74 input/output error, 75 busy, 130 interrupted.
      """,
    version: Conversion.toolVersion,
    subcommands: [
      InspectCommand.self, PlanCommand.self, ConvertCommand.self, VerifyCommand.self,
      LogitsCommand.self, ParityCommand.self, CalibrateCommand.self, ReportCommand.self,
      RecipesCommand.self, BenchCommand.self,
    ])

  /// Parses, runs and exits by the table of `ExitStatus`.
  static func main() {
    Signals.install()
    do {
      var command = try parseAsRoot()
      try command.run()
      try StandardOutput.finish()
    } catch {
      exit(for: error)
    }
  }

  private static func exit(for error: any Error) -> Never {
    if let status = ExitStatus(error) {
      Messages.error(Failure.text(error))
      status.exit()
    }
    let code = exitCode(for: error)
    guard code == .success else {
      Messages.usageError(fullMessage(for: error))
      ExitStatus.usage.exit()
    }
    do {
      // The help and version that were asked for.
      try StandardOutput.write(fullMessage(for: error) + "\n")
      try StandardOutput.finish()
      ExitStatus.done.exit()
    } catch {
      Messages.error(Failure.text(error))
      ExitStatus.inputOutput.exit()
    }
  }
}
