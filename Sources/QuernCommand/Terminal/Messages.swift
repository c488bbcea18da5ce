import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Errors, warnings and progress: all that is no result goes to standard error.
enum Messages {
  static let descriptor: Int32 = 2
  static let style = Style(descriptor: descriptor)

  /// Names from files may be long; a message is not.
  private static let maximumLength = 2000

  static func error(_ text: String) { line(style.red("error:"), text) }
  static func warning(_ text: String) { line(style.yellow("warning:"), text) }
  static func note(_ text: String) { line("", text) }

  /// What the argument parser says: several lines, arguments quoted in it.
  static func usageError(_ text: String) {
    let text = text.hasPrefix("Error: ") ? String(text.dropFirst("Error: ".count)) : text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { shown(String($0)) }
    raw("quern: \(style.red("error:")) " + lines.joined(separator: "\n") + "\n")
  }

  /// Text as it is. What standard error cannot take is lost: there is nobody to tell.
  static func raw(_ text: String) { _ = descriptor.writeAll(Array(text.utf8)) }

  private static func line(_ kind: String, _ text: String) {
    raw("quern: " + (kind.isEmpty ? "" : kind + " ") + shown(text) + "\n")
  }

  private static func shown(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(maximumLength)
    let isWhole = start.endIndex == text.unicodeScalars.endIndex
    return String(start).escapedForDisplay + (isWhole ? "" : "…")
  }
}
