import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Results go here, and nothing else.
///
/// A reader that closed its end (`quern inspect … | head`) is no failure: what it does not want is
/// dropped in silence.
enum StandardOutput {
  private static let descriptor: Int32 = 1

  static func write(_ text: String) throws(CommandFailure) { try write(Array(text.utf8)) }

  static func write(_ bytes: [UInt8]) throws(CommandFailure) {
    let code = descriptor.writeAll(bytes)
    guard code == 0 || code == EPIPE else { throw failure(code) }
  }

  /// Writes a line, with a line feed.
  static func line(_ text: String = "") throws(CommandFailure) { try write(text + "\n") }

  /// Hands over what a JSON writer has so far, once it is worth a system call.
  static func drain(_ writer: inout JSONWriter, isLast: Bool = false) throws(CommandFailure) {
    guard isLast || writer.bytes.count > 1 << 16 else { return }
    try write(writer.drain())
  }

  /// A full disk behind a redirection may show only when the file is closed.
  static func finish() throws(CommandFailure) {
    guard close(descriptor) == 0 || errno == EBADF || errno == EINTR else { throw failure(errno) }
  }

  private static func failure(_ code: Int32) -> CommandFailure {
    CommandFailure(
      status: .inputOutput,
      description: "cannot write the results: \(String(cString: strerror(code)))")
  }
}

extension Int32 {
  /// Writes all bytes to a descriptor; 0, or the error's number.
  func writeAll(_ bytes: [UInt8]) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = write(self, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return errno }
        done += count
      }
      return 0
    }
  }
}
