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
    while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { throw Failed(status: errno) } }
    guard status == 0 else { throw Failed(status: status) }
  }

  /// Makes copied files durable, as a conversion does with its output.
  static func synchronize(_ paths: [String]) throws {
    for path in paths {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0, fsync(descriptor) == 0, close(descriptor) == 0 else {
        throw FileError(path, .synchronize, errno: errno)
      }
    }
  }
}

/// The peak of this process's memory, which Linux lets a process reset.
enum PeakMemory {
  static func reset() {
    let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, "5", 1)
    close(descriptor)
  }

  /// Peak resident bytes since the last reset (since the start where there is none).
  static var byteCount: Int {
    if let bytes = try? InputFile.processStatus(),
      let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first(where: {
        $0.hasPrefix("VmHWM:")
      }), let kilobytes = Int(line.filter(\.isNumber))
    {
      return kilobytes << 10
    }
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss << 10
    #else
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }
}

extension InputFile {
  /// `/proc/self/status`, which has no size of its own.
  fileprivate static func processStatus() throws -> [UInt8] {
    let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("/proc/self/status", .open, errno: errno) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let count = Glibc_read(descriptor, &buffer, buffer.count)
    return Array(buffer.prefix(max(0, count)))
  }
}
