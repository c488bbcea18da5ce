/// Why a NumPy array file was refused.
public enum NPYError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system could not open or read it.
  case unreadable(FileError)
  /// Its content breaks a rule of the format.
  case malformed(InputProblem)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let problem): problem.description
    }
  }
}
