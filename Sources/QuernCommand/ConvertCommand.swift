import ArgumentParser
import Quern

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Converts a checkpoint and certifies every tensor.",
    discussion: """
      Writes the output and its certificate, FILE.certificate.json (in a folder \
      quern-certificate.json), in one pass; both appear when both are whole. What exists is kept \
      unless --overwrite is given.

      Examples:
        quern convert ./checkpoint --to gguf --recipe q4_0 -o model.gguf
        quern convert org/name --recipe source -o model.gguf --threads 8
        quern convert ./checkpoint --target-bpw 4.5 -o model.gguf
        quern convert ./checkpoint --recipe q4_k_m --imatrix imatrix.gguf -o model.gguf
        quern convert ./checkpoint --recipe q8_0 -o m.gguf --split-max-size 50GB
        quern convert org/name --to ascend --recipe w8a8 -o ./model-w8a8
        quern convert ./checkpoint --to compressed-tensors --recipe w4a16 -o ./model-w4a16
      """)

  @OptionGroup var choices: ConversionChoices

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to make, NAME.gguf; for other targets the folder.", valueName: "path"),
    completion: .file(), transform: OutputPath.init(argument:))
  var output: OutputPath

  @Flag(help: "Replace an output that exists.")
  var overwrite = false

  @Flag(help: "Remove what an earlier conversion left unfinished, and begin anew.")
  var restart = false

  @Flag(help: "Print one JSON document.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress, no summary; warnings and errors only.")
  var quiet = false

  func validate() throws {
    try choices.checkDecidesTypes()
    try output.check(for: choices.to)
  }

  func run() throws {
    let plan = try choices.choosePlan(outputName: output.name).plan
    plan.warnings.forEach(Messages.warning)
    let clock = ContinuousClock()
    let start = clock.now
    let certificate = try converted(plan)
    let report = ConversionReport(
      plan: plan, certificate: certificate, outputPath: output.path, checkpoint: choices.checkpoint,
      seconds: (clock.now - start) / .seconds(1),
      fourBits: quiet && !json ? nil : try FourBitComparison(plan))
    if json {
      try report.printJSON()
    } else if !quiet {
      try report.printText()
    }
  }

  private func converted(_ plan: ConversionPlan) throws(ConversionError) -> Certificate {
    let conversion = Conversion(
      plan, outputPath: output.path, threadCount: choices.threads.count, overwrite: overwrite,
      restart: restart)
    let total = plan.tensors.reduce(0) { $0 + $1.sourceByteCount }
    return try Progress.run(isQuiet: quiet, totalByteCount: total) {
      () throws(ConversionError) in try conversion.run(Signals.control)
    }
  }
}
