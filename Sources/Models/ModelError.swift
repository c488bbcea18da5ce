import QuernCheckpoints
import QuernContainers

/// Why a model cannot be run.
public enum ModelError: Error, Sendable, CustomStringConvertible {
  case checkpoint(CheckpointError)
  /// An input is malformed, does not fit the model, or the model has no forward pass.
  case data(InputProblem)
  /// Reading or writing failed.
  case file(FileError)
  /// A signal asked to stop.
  case interrupted

  public var description: String {
    switch self {
    case .checkpoint(let error): error.description
    case .data(let problem): problem.description
    case .file(let error): error.description
    case .interrupted: "interrupted"
    }
  }
}
