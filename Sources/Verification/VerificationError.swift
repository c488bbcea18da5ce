import QuernContainers
import QuernConversion

/// Why there is no verdict: an input could not be read, or somebody asked to stop. A check that fails
/// is no error but a part of the report.
public enum VerificationError: Error, Sendable, CustomStringConvertible {
  case file(FileError)
  /// A GGUF file without a certificate that cannot be read.
  case gguf(GGUFError)
  /// The checkpoint cannot be read as a model.
  case source(ConversionError)
  /// A signal asked to stop.
  case interrupted

  public var description: String {
    switch self {
    case .file(let error): error.description
    case .gguf(let error): error.description
    case .source(let error): error.description
    case .interrupted: "interrupted"
    }
  }
}
