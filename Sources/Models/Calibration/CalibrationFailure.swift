import QuernContainers

/// Why a calibration did not come about.
package enum CalibrationFailure: Error, Sendable, CustomStringConvertible {
  /// The model cannot be run, or its tokens do not fit it.
  case model(ModelError)
  /// An output exists, is larger than was allowed, or its folder is not there.
  case cannotCreate(path: String, reason: String, advice: String)
  /// Another process writes the output.
  case busy(path: String)

  package var description: String {
    switch self {
    case .model(let error): error.description
    case .cannotCreate(let path, let reason, let advice):
      "\(path.escapedForDisplay): \(reason); \(advice)"
    case .busy(let path): "\(path.escapedForDisplay): another process is writing it"
    }
  }
}
