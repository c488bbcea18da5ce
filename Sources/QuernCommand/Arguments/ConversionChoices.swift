import ArgumentParser
import Quern

/// What `plan` and `convert` have in common: all that decides the output.
struct ConversionChoices: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A folder, or org/name[@revision] of the Hugging Face cache.", valueName: "checkpoint"))
  var checkpoint: String

  @Option(help: "What to make.")
  var to = Target.gguf

  @Option(
    help: ArgumentHelp(
      "A built-in recipe (see `quern recipes`) or a file with a / in its name or ending in .json5.",
      valueName: "name|file"))
  var recipe: String

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
    help: ArgumentHelp("The model's name in the output's metadata.", valueName: "name"))
  var modelName: String?

  @Option(help: "NaN and infinite weights: refuse them, or make them zero and count them.")
  var nan = NonFiniteChoice.refuse

  @Option(help: ArgumentHelp("Worker threads; the output does not depend on it.", valueName: "n"))
  var threads = ThreadCount.allProcessors

  /// The largest template that is read; real ones have some kilobytes.
  private static let maximumTemplateByteCount = 16 << 20

  func validate() throws {
    let isFile = recipe.contains("/") || recipe.hasSuffix(".json5")
    let names = Recipe.builtIns(target: to.rawValue).map(\.name)
    guard isFile || names.contains(recipe) else {
      throw ValidationError(
        "no built-in recipe '\(recipe)' for \(to.rawValue): there are "
          + names.joined(separator: ", ") + "; a file has a / in its name or ends in .json5")
    }
  }

  /// Opens the checkpoint and plans its conversion; nothing is written.
  func plan(outputName: String) throws -> ConversionPlan {
    let recipe = try Recipe.load(recipe, target: to.rawValue)
    let options = try options()
    let opened = try Checkpoint.open(checkpoint, environment: Environment.forCheckpoints)
    return try ConversionPlan.gguf(opened, recipe: recipe, options: options, outputName: outputName)
  }

  private func options() throws -> ConversionOptions {
    ConversionOptions(
      draft: mtp == .keep ? .keep : .drop, nonFinite: nan == .zero ? .zero : .refuse,
      splitMaxByteCount: splitMaxSize?.byteCount, chatTemplate: try template(),
      preTokenizer: preTokenizer, modelName: modelName)
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
