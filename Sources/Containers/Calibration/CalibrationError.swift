/// Why a file of calibration statistics was refused.
public enum CalibrationError: Error, Equatable, Sendable, CustomStringConvertible {
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

  init(_ error: SafetensorsError) {
    switch error {
    case .unreadable(let error): self = .unreadable(error)
    case .malformed(let problem): self = .malformed(problem)
    }
  }
}
