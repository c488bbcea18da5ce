import QuernContainers

/// Writes HTML and the SVG in it, element by element. All text and every attribute is escaped; names of
/// elements and attributes are literals, so that nothing from a file can become markup.
struct HTMLWriter {
  typealias Attributes = KeyValuePairs<StaticString, String>

  /// Names from files may be of any length.
  private static let longestName = 160

  /// A name that is too long for its line is broken after these.
  private static let breaks: Set<Unicode.Scalar> = [".", "_", "/", "-"]

  private(set) var html = ""

  /// An element with whatever `body` writes.
  mutating func element(
    _ name: StaticString, _ attributes: Attributes = [:], _ body: (inout HTMLWriter) -> Void
  ) {
    open(name, attributes)
    html += ">"
    body(&self)
    html += "</\(name)>"
  }

  /// An element that holds one text.
  mutating func element(_ name: StaticString, _ attributes: Attributes, _ text: String) {
    element(name, attributes) { $0.text(text) }
  }

  mutating func element(_ name: StaticString, _ text: String) { element(name, [:], text) }

  /// An element of HTML that has no end, or one of SVG without content.
  mutating func empty(_ name: StaticString, _ attributes: Attributes = [:]) {
    open(name, attributes)
    html += "/>"
  }

  mutating func text(_ text: String) { html += text.escapedForHTML }

  /// A name from a file: one line, cut when it is long, its direction kept to itself.
  mutating func name(_ name: String) {
    element("bdi") { html in
      for scalar in name.shortened(to: Self.longestName).unicodeScalars {
        html.text(String(scalar))
        if Self.breaks.contains(scalar) { html.empty("wbr") }
      }
    }
  }

  /// Markup or styles that are part of the program.
  mutating func literal(_ text: StaticString) { html += "\(text)" }

  mutating func lineFeed() { html += "\n" }

  private mutating func open(_ name: StaticString, _ attributes: Attributes) {
    html += "<\(name)"
    for (key, value) in attributes { html += " \(key)=\"\(value.escapedForHTML)\"" }
  }
}

extension String {
  /// The text as content or as an attribute in quotes, with what could act on a reader made visible.
  var escapedForHTML: String {
    var result = ""
    for scalar in escapedForDisplay.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The first scalars, and an ellipsis where there are more.
  func shortened(to limit: Int) -> String {
    let start = unicodeScalars.prefix(limit)
    return String(start) + (start.endIndex == unicodeScalars.endIndex ? "" : "…")
  }
}
