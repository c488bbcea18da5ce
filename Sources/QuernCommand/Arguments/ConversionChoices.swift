import ArgumentParser
import Quern

/// What `plan` and `convert` have in common: all that decides the output.
struct ConversionChoices: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A folder, or org/name[@revision] of the Hugging Face cache.", valueName: "checkpoint"))
  var checkpoint: String

  @Option(help: "What to make.")
  var to = ConversionTarget.gguf

  @Option(
    help: ArgumentHelp(
      "A built-in recipe (see `quern recipes`) or a file with a / in its name or ending in .json5.",
      valueName: "name|file"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      """
      Choose each tensor's type for the least error at so many bits per weight, such as 4.5. A recipe \
      beside it says what stays as it is, and the methods.
      """, valueName: "bits"))
  var targetBpw: Double?

  @Option(
    help: ArgumentHelp(
      "The same for a size of all output files, such as 150GB or 16GiB.", valueName: "size"))
  var targetSize: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Importance data of llama-imatrix, GGUF or .dat: errors count by it. Example: --imatrix imatrix.gguf",
      valueName: "file"),
    completion: .file())
  var imatrix: String?

  @Option(
    help: ArgumentHelp(
      "Calibration statistics for rules with method gptq. Example: --calibration statistics.safetensors",
      valueName: "file"),
    completion: .file())
  var calibration: String?

  @Flag(
    help: """
      Rotate the hidden states by Hadamard matrices, which evens out the weights' magnitudes; for \
      --to ascend and compressed-tensors. `plan` shows whether it helps.
      """)
  var rotate = false

  @Option(
    help: ArgumentHelp(
      "Split the output into files of at most this size, such as 50GB or 2GiB.", valueName: "size"))
  var splitMaxSize: ByteSize?

  @Option(help: "Draft layers (MTP): a file of their own, NAME.mtp.gguf, or none.")
  var mtp = DraftChoice.keep

  @Option(
    help: ArgumentHelp(
      "A chat template instead of the checkpoint's.", valueName: "file", ),
    completion: .file())
  var chatTemplate: String?

  @Option(
    help: ArgumentHelp(
      "llama.cpp's name of the pre-tokenizer, where it is not recognised.", valueName: "name"))
  var preTokenizer: String?

  @Option(
    help: ArgumentHelp(
      "Write integer weights once more, in the order NPUs keep them (nz), for programs that call the kernels themselves.",
      valueName: "nz"))
  var relayout: ConversionOptions.Relayout?

  @Option(
    help: ArgumentHelp("The model's name in the output's metadata.", valueName: "name"))
  var modelName: String?

  @Option(help: "NaN and infinite weights: refuse them, or make them zero and count them.")
  var nan = NonFiniteChoice.refuse

  @Option(help: ArgumentHelp("Worker threads; the output does not depend on it.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  /// The largest template that is read; real ones have some kilobytes.
  private static let maximumTemplateByteCount = 16 << 20

  /// F32 has 32.
  private static let bitsPerWeight = 0.0...32

  func validate() throws {
    try checkTarget()
    if let targetBpw {
      guard targetBpw > 0, Self.bitsPerWeight.contains(targetBpw) else {
        throw ValidationError("--target-bpw is above 0 and at most 32, found \(targetBpw)")
      }
      guard targetSize == nil else {
        throw ValidationError("--target-bpw and --target-size exclude each other")
      }
    }
    guard let recipe, !Recipe.isFile(recipe) else { return }
    do throws(ConversionError) {
      _ = try Recipe.load(recipe, target: to)
    } catch { throw ValidationError("\(error)") }
  }

  /// Some options mean nothing to a folder.
  private func checkTarget() throws {
    if relayout != nil, to != .ascend { throw ValidationError("--relayout nz is for --to ascend") }
    guard to != .gguf else {
      guard rotate else { return }
      throw ValidationError("--rotate is for --to ascend and --to compressed-tensors")
    }
    let options = [
      ("--target-bpw", targetBpw != nil), ("--target-size", targetSize != nil),
      ("--pre-tokenizer", preTokenizer != nil), ("--model-name", modelName != nil),
    ]
    if let option = options.first(where: \.1) {
      throw ValidationError("\(option.0) is for --to gguf, not for \(to.rawValue)")
    }
  }

  /// Something must say which types there are to be.
  func checkDecidesTypes() throws {
    guard recipe == nil, budget == nil else { return }
    throw ValidationError(
      "one of --recipe, --target-bpw and --target-size is needed (see `quern recipes`)")
  }

  var budget: Budget? {
    targetBpw.map { .bitsPerWeight($0) } ?? targetSize.map { .byteCount($0.byteCount) }
  }

  /// What the options name, opened; nothing is written.
  func inputs() throws -> Inputs {
    let recipe = try recipe.map { name throws(ConversionError) in
      try Recipe.load(name, target: to)
    }
    let options = try options()
    let opened = try Checkpoint.open(checkpoint, environment: Environment.forCheckpoints)
    let importance = try imatrix.map { path throws(ConversionError) in
      try Importance(path: path)
    }
    let calibration = try calibration.map { path throws(ConversionError) in
      try Calibration(path: path)
    }
    return Inputs(
      checkpoint: opened, recipe: recipe, importance: importance, calibration: calibration,
      options: options)
  }

  private func options() throws -> ConversionOptions {
    ConversionOptions(
      draft: mtp == .keep ? .keep : .drop, nonFinite: nan == .zero ? .zero : .refuse,
      rotates: rotate, splitMaxByteCount: splitMaxSize?.byteCount, chatTemplate: try template(),
      preTokenizer: preTokenizer, relayout: relayout, modelName: modelName)
  }

  private func template() throws -> String? {
    guard let chatTemplate else { return nil }
    let bytes = try InputFile.contents(of: chatTemplate, limit: Self.maximumTemplateByteCount)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw InputProblem(
        file: chatTemplate, found: "bytes that are not UTF-8", expected: "a chat template")
    }
    return text
  }
}
