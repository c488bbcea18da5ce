import ArgumentParser
import Quern
import QuernModels
import QuernVerification

struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Runs a model on tokens and writes its float32 logits.",
    discussion: """
      Weights are read slice by slice and dropped: memory follows from the tokens, not from the model. \
      The file has `logits` [tokens, vocabulary]; with --hidden the stream after each layer, `hidden.N` \
      [tokens, hidden] or, of DeepSeek-V4, `streams.N` [tokens, streams, hidden]; with --mtp `mtp_logits`, \
      the draft stage's, of every token but the last of a sequence.

      Examples:
        quern logits ./checkpoint --tokens tokens.json -o logits.safetensors
        quern logits model.gguf --tokens tokens.npy --integer -o logits.safetensors
        quern logits deepseek-ai/DeepSeek-V4-Flash --tokens t.json --hidden --mtp -o out.safetensors
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder, a GGUF file, or org/name[@revision] of the Hugging Face cache.",
      valueName: "weights"))
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "Token ids: a JSON list (or list of lists), NPY, or raw 32-bit integers.", valueName: "file"),
    completion: .file())
  var tokens: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The safetensors file to write.", valueName: "file"), completion: .file())
  var output: String

  @Flag(help: "Write the stream after each layer.")
  var hidden = false

  @Flag(help: "Write the draft stage's logits.")
  var mtp = false

  @Flag(help: "Multiply as the target's kernels do, with quantized activations.")
  var integer = false

  @Option(help: ArgumentHelp("Worker threads.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  @Flag(help: "Replace a file that exists.")
  var overwrite = false

  @Flag(name: .shortAndLong, help: "No progress, no summary; warnings and errors only.")
  var quiet = false

  func run() throws {
    try NewFile.check(output, replacing: overwrite)
    let opened = try Checkpoint.open(checkpoint, environment: Environment.forCheckpoints)
    opened.warnings.forEach(Messages.warning)
    var options = LogitsRun.Options()
    (options.hidden, options.draft) = (hidden, mtp)
    options.mode = integer ? .integer : .decoded
    options.threadCount = threads.count
    let run = try LogitsRun(
      opened, TokenBatch(try TokenFile.read(tokens)), source: tokens, options: options,
      control: Signals.control)
    let (output, overwrite) = (output, overwrite)
    try Progress.run(isQuiet: quiet, totalByteCount: opened.tensorByteCount) {
      () throws(ModelError) in try run.write(to: output, overwrite: overwrite)
    }
    guard !quiet else { return }
    try StandardOutput.line(
      "\(output.escapedForDisplay): logits of \(run.tokenCount.grouped) tokens and "
        + "\(run.vocabulary.grouped) words, \(run.fileByteCount.bytesText)")
  }
}
