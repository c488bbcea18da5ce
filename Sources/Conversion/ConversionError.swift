import QuernCheckpoints
import QuernContainers

/// Why a conversion was refused or stopped. The kind decides the exit code.
public enum ConversionError: Error, Sendable, CustomStringConvertible {
  case checkpoint(CheckpointError)
  /// An input is malformed or cannot be converted as asked.
  case data(InputProblem)
  case recipe(RecipeError)
  case tokenizer(TokenizerError)
  /// An output exists or cannot be created; `advice` says how to go on.
  case cannotCreate(path: String, reason: String, advice: String)
  /// Reading or writing failed while converting.
  case file(FileError)
  /// Another process is writing the same output.
  case busy(path: String)
  /// A signal asked to stop.
  case interrupted

  public var description: String {
    switch self {
    case .checkpoint(let error): error.description
    case .data(let problem): problem.description
    case .recipe(let error): error.description
    case .tokenizer(let error): error.description
    case .cannotCreate(let path, let reason, let advice):
      "\(path.escapedForDisplay): \(reason); \(advice)"
    case .file(let error): error.description
    case .busy(let path):
      "\(path.escapedForDisplay): another process is writing it; try again later"
    case .interrupted: "interrupted; the unfinished output was removed"
    }
  }
}
