import ArgumentParser
import Quern
import QuernFormats
import QuernModels

/// The text or the tokens that go through a model.
struct ModelText: ParsableArguments {
  /// Which token each sequence begins with.
  enum Beginning: ExpressibleByArgument, Equatable {
    /// The one that the tokenizer puts before texts, if it puts one.
    case automatic
    case none
    case token(UInt32)

    init?(argument: String) {
      switch argument {
      case "auto": self = .automatic
      case "none": self = .none
      default:
        guard let id = UInt32(argument) else { return nil }
        self = .token(id)
      }
    }
  }

  @Option(
    help: ArgumentHelp("A text, in UTF-8, for the checkpoint's tokenizer.", valueName: "file"),
    completion: .file())
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Token ids instead: JSON, NPY or raw 32-bit integers. Sequences are joined.",
      valueName: "file"),
    completion: .file())
  var tokens: String?

  @Option(
    name: .customLong("ctx"),
    help: ArgumentHelp(
      "Tokens of a sequence; 512, or what the model can take if that is less.", valueName: "n"))
  var length: Int?

  @Option(help: ArgumentHelp("Sequences at most.", valueName: "n"))
  var chunks: Int?

  @Option(
    help: ArgumentHelp(
      "What replaces the first token of a sequence: auto, none or an id. auto is what the tokenizer begins texts with.",
      valueName: "token"))
  var bos = Beginning.automatic

  private static let standardLength = 512
  private static let lengths = 1...(1 << 24)

  func validate() throws {
    if text != nil, tokens != nil {
      throw ValidationError("--text and --tokens exclude each other")
    }
    if let length, !Self.lengths.contains(length) {
      throw ValidationError("--ctx is at least 1 and at most \(Self.lengths.upperBound)")
    }
    if let chunks, chunks < 1 { throw ValidationError("--chunks is at least 1") }
  }

  /// The file that was named.
  var path: String? { text ?? tokens }

  /// Its name without the folder; that of the built-in text where none was named.
  var name: String {
    path.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "built-in text"
  }

  /// - Parameter context: positions that the model was made for.
  func read(for checkpoint: Checkpoint, context: Int) throws -> TokenChunks {
    var (ids, beginning): ([UInt32], UInt32?) = ([], nil)
    if tokens == nil {
      let bytes =
        try text.map { (path) throws(FileError) in
          try InputFile.contents(of: path, limit: TextTokenizer.maximumByteCount)
        } ?? Formats.parityText
      guard !bytes.isEmpty else {
        throw InputProblem(file: name, found: "an empty text", expected: "a text to run")
      }
      let tokenizer = try Self.tokenizer(of: checkpoint)
      beginning = tokenizer.prefix.first
      ids = tokenizer.prefix + (try tokenizer.encode(bytes))
    } else if let tokens {
      ids = try TokenFile.read(tokens).flatMap { $0 }
      if bos == .automatic { beginning = Self.beginning(of: checkpoint) }
    }
    switch bos {
    case .automatic: break
    case .none: beginning = nil
    case .token(let id): beginning = id
    }
    return TokenChunks(
      ids, length: length ?? min(Self.standardLength, context), beginning: beginning,
      limit: chunks)
  }

  private static func tokenizer(of checkpoint: Checkpoint) throws -> TextTokenizer {
    guard checkpoint.dialect == .gguf else { return try TextTokenizer(folder: checkpoint.folder) }
    return try TextTokenizer(gguf: checkpoint.keyValues, file: checkpoint.folder)
  }

  /// Ids need no tokenizer: without one that Quern understands, the first tokens stay.
  private static func beginning(of checkpoint: Checkpoint) -> UInt32? {
    do { return try tokenizer(of: checkpoint).prefix.first } catch {
      Messages.note("no token replaces the first of each sequence (--bos ID): \(error)")
      return nil
    }
  }
}
