import QuernContainers

/// Why there is no report.
public enum ReportError: Error, Sendable, CustomStringConvertible {
  case unreadable(FileError)
  /// A file that is neither a certificate nor a parity file, or a damaged one.
  case malformed(InputProblem)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let problem): problem.description
    }
  }
}
