#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Colours, where there is a terminal that shows them and a user who wants them.
struct Style {
  static let output = Style(descriptor: 1)

  private let isColoured: Bool

  /// - Parameter descriptor: where the text goes: colours are for terminals, and `NO_COLOR` or
  ///   `TERM=dumb` turn them off there too.
  init(descriptor: Int32) {
    isColoured =
      isatty(descriptor) == 1 && (Environment["NO_COLOR"] ?? "").isEmpty
      && Environment["TERM"] != "dumb"
  }

  func red(_ text: String) -> String { wrapped(text, "31") }
  func yellow(_ text: String) -> String { wrapped(text, "33") }
  func green(_ text: String) -> String { wrapped(text, "32") }
  func bold(_ text: String) -> String { wrapped(text, "1") }

  private func wrapped(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
