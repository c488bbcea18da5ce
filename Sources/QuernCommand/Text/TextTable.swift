import QuernContainers

/// Rows in columns of equal width, two spaces apart.
struct TextTable {
  enum Alignment { case left, right }

  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// - Parameter header: names of the columns; none for a table without a first line of them.
  init(_ alignments: [Alignment], header: [String] = []) {
    self.alignments = alignments
    if !header.isEmpty { rows.append(header) }
  }

  /// Adds a row. Whatever the cells hold, a row is one line.
  mutating func add(_ cells: [String]) { rows.append(cells.map(\.escapedForDisplay)) }

  /// All rows, each indented and with a line feed.
  func text(indent: Int = 2) -> String {
    let widths = alignments.indices.map { column in
      rows.reduce(0) { max($0, column < $1.count ? $1[column].unicodeScalars.count : 0) }
    }
    var text = ""
    for row in rows {
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        let padding = String(
          repeating: " ", count: max(0, widths[column] - cell.unicodeScalars.count))
        if column > 0 { line += "  " }
        line += alignments[column] == .left ? cell + padding : padding + cell
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }
}
