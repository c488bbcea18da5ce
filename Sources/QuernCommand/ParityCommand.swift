import ArgumentParser
import Quern
import QuernModels
import QuernVerification

struct ParityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parity",
    abstract: "Runs an output and its checkpoint side by side and says where they part.",
    discussion: """
      Both models go through all tokens layer by layer; weights are read once and dropped. For every \
      layer: how far the output's stream is from the checkpoint's, and how far it would be had the layer \
      been given the checkpoint's stream, which is that layer's own error; for experts and index entries, \
      how many of them both chose. At the end the divergence of the next token's probabilities. Text is \
      cut into sequences, and the second half of each counts, as in llama-perplexity; of token files all \
      sequences count as they are, unless --ctx cuts them. Exits with 1 above --max-kl.

      Examples:
        quern parity model.gguf --against ./checkpoint
        quern parity model.gguf --against ./checkpoint --integer --max-kl 0.01
        quern parity ./model-w4a8 --against ./checkpoint --text notes.txt --ctx 256 -o parity.json
        quern parity model.gguf --against ./checkpoint --layers 0..3 --json
      """)

  @Argument(
    help: ArgumentHelp("What was made: a GGUF file or a folder.", valueName: "output"),
    completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "What it was made from: a folder, a GGUF file, or org/name[@revision] of the cache.",
      valueName: "checkpoint"))
  var against: String

  @OptionGroup(title: "Tokens (without a file: a text that is built in)")
  var text: ModelText

  @Flag(help: "Multiply the output as its target's kernels do, with quantized activations.")
  var integer = false

  @Option(
    help: ArgumentHelp(
      "Compare these layers alone, given the checkpoint's stream.", valueName: "a..b"))
  var layers: LayerRange?

  @Option(help: ArgumentHelp("The largest mean KL divergence that passes.", valueName: "nats"))
  var maxKl: Double?

  @Option(
    name: .customShort("o"),
    help: ArgumentHelp(
      "Write the result as JSON too; an interrupted run goes on from FILE.state.",
      valueName: "file"),
    completion: .file())
  var file: String?

  @Flag(help: "Replace a file that exists.")
  var overwrite = false

  @Option(help: ArgumentHelp("Worker threads.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  @Flag(help: "Print one JSON document.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress; results, warnings and errors only.")
  var quiet = false

  func validate() throws {
    guard let maxKl else { return }
    guard maxKl >= 0, maxKl.isFinite else { throw ValidationError("--max-kl is 0 or more") }
    if layers != nil { throw ValidationError("--max-kl needs all layers: leave out --layers") }
  }

  func run() throws {
    if let file { try NewFile.check(file, replacing: overwrite) }
    let (made, source) = (try open(output), try open(against))
    let run = try ParityRun(
      output: made, against: source, try tokens(for: source), options: options,
      control: Signals.control)
    let total = made.tensorByteCount + source.tensorByteCount
    let found = try compared(run, byteCount: total)
    if let file { try NewFile.publish(found.json, as: file, replacing: overwrite) }
    if json {
      try StandardOutput.write(found.json)
    } else {
      try ParityReport(found).printText()
    }
    guard let maxKl, let mean = found.result?.divergence.mean.value, mean > maxKl else { return }
    throw CommandFailure(
      status: .checkFailed,
      description: "the mean KL divergence is \(mean.significant(4)), above \(maxKl)")
  }

  private func compared(_ run: ParityRun, byteCount: Int) throws -> ParityFile {
    do throws(ModelError) {
      return try Progress.run(isQuiet: quiet, totalByteCount: byteCount) {
        () throws(ModelError) in try run.run()
      }
    } catch {
      guard case .interrupted = error, let state = options.statePath, FileSystem.exists(state)
      else { throw error }
      throw CommandFailure(
        status: ExitStatus(error) ?? .internalError,
        description: "interrupted; the same command goes on from \(state.escapedForDisplay)")
    }
  }

  private var options: ParityRun.Options {
    var options = ParityRun.Options()
    options.mode = integer ? .integer : .decoded
    options.layers = layers?.layers
    options.threadCount = threads.count
    options.statePath = file.map { $0 + ".state" }
    return options
  }

  private func open(_ argument: String) throws(CheckpointError) -> Checkpoint {
    let opened = try Checkpoint.open(argument, environment: Environment.forCheckpoints)
    opened.warnings.forEach(Messages.warning)
    return opened
  }

  /// The text is the checkpoint's tokenizer's.
  private func tokens(for checkpoint: Checkpoint) throws -> ParityTokens {
    if let path = text.tokens, text.length == nil {
      var sequences = try TokenFile.read(path)
      if let limit = text.chunks { sequences = Array(sequences.prefix(limit)) }
      return ParityTokens(sequences: sequences, source: text.name)
    }
    let context = try ModelRun.context(of: checkpoint)
    return ParityTokens(try text.read(for: checkpoint, context: context), source: text.name)
  }
}
