import QuernContainers

/// A failure that a command itself found, with its status.
struct CommandFailure: Error, CustomStringConvertible {
  let status: ExitStatus
  let description: String
}

/// How an error reads on the terminal.
enum Failure {
  /// One line, whatever names of files and tensors hold.
  static func text(_ error: any Error) -> String { "\(error)" }
}
