import QuernContainers

/// Why a checkpoint cannot be used.
public enum CheckpointError: Error, Sendable, CustomStringConvertible {
  /// Nothing is at the given place; `hint` says where was looked.
  case notFound(path: String, hint: String)
  case file(FileError)
  case safetensors(SafetensorsError)
  case gguf(GGUFError)
  case problem(InputProblem)

  public var description: String {
    switch self {
    case .notFound(let path, let hint): "\(path.escapedForDisplay): not found; \(hint)"
    case .file(let error): error.description
    case .safetensors(let error): error.description
    case .gguf(let error): error.description
    case .problem(let problem): problem.description
    }
  }
}
