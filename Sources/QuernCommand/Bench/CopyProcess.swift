import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The system's `cp` on the same files: what a person would compare a conversion with.
enum CopyProcess {
  struct Failed: Error, CustomStringConvertible {
    let status: Int32
    var description: String { "cp failed with status \(status)" }
  }

  /// Copies files into a folder and waits.
  static func run(_ files: [String], to folder: String) throws {
    var arguments: [UnsafeMutablePointer<CChar>?] =
      (["cp"] + files + [folder]).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let code = posix_spawnp(&process, "cp", nil, nil, &arguments, environ)
    guard code == 0 else { throw Failed(status: code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { throw Failed(status: errno) }
    }
    guard status == 0 else { throw Failed(status: status) }
  }

  /// Makes copied files durable, as a conversion does with its output.
  static func synchronize(_ paths: [String]) throws {
    for path in paths {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0, fsync(descriptor) == 0, close(descriptor) == 0 else {
        throw FileError(path, .sync, errno: errno)
      }
    }
  }
}
