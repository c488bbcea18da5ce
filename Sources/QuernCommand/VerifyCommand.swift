import ArgumentParser
import Quern

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Proves what a certificate says, or measures an output that has none.",
    discussion: """
      Every byte is checked against a hash. With the checkpoint, both sides are decoded anew, every \
      figure is computed again and all metadata is derived again. Of a folder for ascend or \
      compressed-tensors the kernels of the NPU are emulated as well: their products with the written \
      bytes are compared with those of the source. Exits with 1 when anything differs.

      Examples:
        quern verify model.gguf
        quern verify model.gguf --against ./checkpoint
        quern verify ./model-w4a8 --against ./checkpoint
        quern verify theirs.gguf --against org/name --json
      """)

  @Argument(
    help: ArgumentHelp(
      "The GGUF file, one part of a split one, or the folder of a runtime.", valueName: "output"),
    completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "The source: a folder, or org/name[@revision] of the Hugging Face cache.",
      valueName: "checkpoint"))
  var against: String?

  @Option(
    help: ArgumentHelp(
      "Activations to multiply weights of a folder with, [tokens, inputs], named as the weights; the "
        + "first 64 tokens count, and others are random.",
      valueName: "file.safetensors"))
  var activations: String?

  @Option(help: ArgumentHelp("Worker threads.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let checkpoint = try against.map {
      try Checkpoint.open($0, environment: Environment.forCheckpoints)
    }
    let report = try report(against: checkpoint)
    if json {
      var writer = JSONWriter()
      report.write(to: &writer)
      try StandardOutput.drain(&writer, isLast: true)
    } else {
      report.warnings.forEach(Messages.warning)
      try report.printText()
    }
    guard !report.isPassed else { return }
    throw CommandFailure(status: .checkFailed, description: report.failureText)
  }

  private func report(against checkpoint: Checkpoint?) throws(VerificationError)
    -> VerificationReport
  {
    let (output, threadCount, activations) = (output, threads.count, activations)
    let control = RunControl()
    let verify: @Sendable () -> Result<VerificationReport, VerificationError> = {
      Result { () throws(VerificationError) in
        try Verification.run(
          output: output, against: checkpoint,
          options: VerificationOptions(
            threadCount: threadCount, control: control, activationsPath: activations))
      }
    }
    let progress = Progress(control, totalByteCount: nil)
    return try (progress.watch(verify) ?? verify()).get()
  }
}
