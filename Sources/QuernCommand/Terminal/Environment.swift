import CPlatform

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The variables that Quern looks at, and no others.
enum Environment {
  private static let checkpointKeys = ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"]

  static subscript(name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Where cached checkpoints may be.
  static var forCheckpoints: [String: String] {
    var result: [String: String] = [:]
    for key in checkpointKeys { result[key] = Self[key] }
    return result
  }

  /// CPUs that this process may run on.
  static var processorCount: Int { Int(quern_processor_count()) }
}
