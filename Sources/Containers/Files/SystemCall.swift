#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Runs a system call that returns -1 on failure, again while signals interrupt it.
///
/// - Throws: `FileError` with the call's error number.
@discardableResult
func systemCall<Result: SignedInteger>(
  _ path: String, _ operation: FileError.Operation, _ call: () -> Result
) throws(FileError) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    let code = errno
    guard code == EINTR else { throw FileError(path, operation, errno: code) }
  }
}

extension String {
  /// Checks that the path reaches the system whole: C strings end at a NUL, so that `a\0b` would
  /// name another file.
  func checkPath(for operation: FileError.Operation) throws(FileError) {
    guard !utf8.contains(0) else { throw FileError(self, operation, errno: EINVAL) }
  }
}
