/// Why a file of token ids was refused.
public enum TokenFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system could not open or read it.
  case unreadable(FileError)
  /// Its content breaks a rule of the format that it is in.
  case malformed(InputProblem)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let problem): problem.description
    }
  }

  init(_ error: NPYError) {
    switch error {
    case .unreadable(let error): self = .unreadable(error)
    case .malformed(let problem): self = .malformed(problem)
    }
  }
}
