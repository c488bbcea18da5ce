import ArgumentParser
import Quern
import QuernModels

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Runs a model over a text and collects what its weights meet, for the encoders.",
    discussion: """
      Makes NAME.imatrix.gguf, importance data as llama.cpp has them (for --imatrix and \
      llama-quantize), and NAME.safetensors, ranges and magnitudes of inputs and, where asked for, \
      their products (for --calibration). The model is read once, layer by layer; both files appear \
      when both are whole.

      Examples:
        quern calibrate ./checkpoint --text code.txt -o calibration
        quern calibrate org/name --tokens ids.npy --ctx 512 --chunks 100 -o calibration
        quern calibrate ./checkpoint --text code.txt --collect imatrix,hessians -o calibration
        quern convert ./checkpoint --recipe q4_k_m --imatrix calibration.imatrix.gguf -o model.gguf
      """)

  /// The names of `--collect`.
  struct Kinds: ExpressibleByArgument, CustomStringConvertible {
    static let names: [(name: String, kind: CalibrationOptions.Kinds)] = [
      ("imatrix", .imatrix), ("ranges", .ranges), ("hessians", .hessians),
    ]

    var kinds: CalibrationOptions.Kinds

    init(_ kinds: CalibrationOptions.Kinds) { self.kinds = kinds }

    init?(argument: String) {
      kinds = []
      for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
        guard let known = Self.names.first(where: { $0.name == name }) else { return nil }
        kinds.insert(known.kind)
      }
    }

    var description: String {
      Self.names.filter { kinds.contains($0.kind) }.map(\.name).joined(separator: ",")
    }
  }

  @Argument(
    help: ArgumentHelp(
      "A folder, org/name[@revision] of the Hugging Face cache, or a GGUF file.",
      valueName: "checkpoint"))
  var checkpoint: String

  @OptionGroup var text: ModelText

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to: the files' name without its ending.", valueName: "name"),
    completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "What to collect: some of imatrix, ranges and hessians, separated by commas.",
      valueName: "kinds"))
  var collect = Kinds([.imatrix, .ranges])

  @Option(
    help: ArgumentHelp("Columns of a block of hessians: 512 or 256.", valueName: "n"))
  var hessianBlock = 512

  @Option(
    help: ArgumentHelp(
      "Name experts that saw fewer tokens; they get no hessians of their own either.",
      valueName: "n"))
  var minTokens = 32

  @Flag(help: "Collect for the output weight too.")
  var outputWeight = false

  @Option(
    help: ArgumentHelp(
      "Numbers that attention keeps of tokens: f16, as llama.cpp does, or f32. Without effect on DeepSeek-V4.",
      valueName: "type"))
  var cacheType = CachePrecision.f16

  @Option(
    help: ArgumentHelp("Refuse to write more than this, such as 50GB.", valueName: "size"))
  var maxDisk = ByteSize(byteCount: 16_000_000_000)

  @Option(
    help: ArgumentHelp("Worker threads; the files do not depend on it.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  @Flag(help: "Replace files that exist, and what an interrupted run left.")
  var overwrite = false

  @Flag(help: "Print one JSON document.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress, no summary; warnings and errors only.")
  var quiet = false

  func validate() throws {
    guard text.path != nil else {
      throw ValidationError("one of --text and --tokens is needed")
    }
    guard CalibrationOptions.hessianBlocks.contains(hessianBlock) else {
      throw ValidationError("--hessian-block is 256 or 512, found \(hessianBlock)")
    }
    guard minTokens >= 0 else { throw ValidationError("--min-tokens is at least 0") }
    guard !output.isEmpty, !output.hasSuffix("/") else {
      throw ValidationError("an output needs a name")
    }
    if let ending = [".gguf", ".safetensors"].first(where: output.hasSuffix) {
      throw ValidationError("--output is a name without its ending: leave out \(ending)")
    }
  }

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let opened = try Checkpoint.open(checkpoint, environment: Environment.forCheckpoints)
    opened.warnings.forEach(Messages.warning)
    let calibration = try CalibrationRun(
      opened, options: options,
      workers: Workers(count: threads.count, control: Signals.control))
    let chunks = try text.read(for: opened, context: calibration.context)
    let plan = calibration.plan
    if !quiet {
      Messages.note(
        "\(String.counted(chunks.count, "sequence")) of \(chunks.length.grouped) tokens; "
          + "up to \(plan.diskByteCount.bytesText) on the disk")
    }
    let result = try collected(calibration, chunks, byteCount: opened.tensorByteCount)
    let report = CalibrationReport(
      result: result, plan: plan, chunkLength: chunks.length,
      seconds: (clock.now - start) / .seconds(1))
    if json {
      try report.printJSON()
    } else if !quiet {
      try report.printText()
    }
  }

  private var options: CalibrationOptions {
    CalibrationOptions(
      kinds: collect.kinds, hessianBlock: hessianBlock, minimumTokens: minTokens,
      includesOutput: outputWeight, cache: cacheType, maximumByteCount: maxDisk.byteCount)
  }

  private func collected(
    _ calibration: CalibrationRun, _ chunks: TokenChunks, byteCount: Int
  ) throws(CalibrationFailure) -> CalibrationResult {
    let output = CalibrationOutput(path: output, kinds: collect.kinds)
    let (name, overwrite) = (text.name, overwrite)
    return try Progress.run(isQuiet: quiet, totalByteCount: byteCount) {
      () throws(CalibrationFailure) in
      try calibration.collect(chunks, dataset: name, into: output, overwrite: overwrite)
    }
  }
}

extension CachePrecision: ExpressibleByArgument {}
