/// A table of a page. On a narrow screen it becomes a list of its rows, or moves within its own frame.
struct ReportTable {
  enum Narrow: String {
    /// Each row becomes a block, its cells labelled by their columns.
    case blocks
    /// The table is moved sideways; the page is not.
    case moves
    /// Few columns: it fits as it is.
    case fits
  }

  struct Cell {
    let isNumber: Bool
    let write: (inout HTMLWriter) -> Void

    static func number(_ text: String) -> Cell { Cell(isNumber: true) { $0.text(text) } }
    static func text(_ text: String) -> Cell { Cell(isNumber: false) { $0.text(text) } }
    static func name(_ name: String) -> Cell { Cell(isNumber: false) { $0.name(name) } }
  }

  /// What the table is about, for those who cannot see where it stands.
  let caption: String
  let narrow: Narrow
  let header: [Cell]
  /// The labels of cells in blocks, one for each column.
  let labels: [String]
  var rows: [[Cell]] = []

  init(_ caption: String, _ narrow: Narrow, header: [Cell], labels: [String] = []) {
    self.caption = caption
    self.narrow = narrow
    self.header = header
    self.labels = labels
  }

  /// A table whose columns are all named by texts, the first one left and the others right.
  init(_ caption: String, _ narrow: Narrow, columns: [String]) {
    self.init(
      caption, narrow,
      header: columns.enumerated().map { $0 == 0 ? .text($1) : .number($1) }, labels: columns)
  }

  /// Roles are named because a table that is shown as blocks loses its own.
  func write(to html: inout HTMLWriter) {
    let frame: HTMLWriter.Attributes =
      narrow == .moves
      ? ["class": "frame", "role": "region", "tabindex": "0", "aria-label": caption]
      : ["class": "frame"]
    html.element("div", frame) { html in
      html.element("table", ["class": narrow.rawValue, "role": "table"]) { html in
        html.element("caption", caption)
        html.element("thead", ["role": "rowgroup"]) { html in
          html.element("tr", ["role": "row"]) { html in
            for cell in header { writeHeader(cell, "columnheader", "col", &html) }
          }
        }
        html.element("tbody", ["role": "rowgroup"]) { html in
          for row in rows { write(row, &html) }
        }
      }
    }
    html.lineFeed()
  }

  private func writeHeader(
    _ cell: Cell, _ role: String, _ scope: String, _ html: inout HTMLWriter
  ) {
    html.element(
      "th", ["role": role, "scope": scope, "class": cell.isNumber ? "n" : "t"], cell.write)
  }

  private func write(_ row: [Cell], _ html: inout HTMLWriter) {
    html.element("tr", ["role": "row"]) { html in
      for (column, cell) in row.enumerated() {
        if column == 0 {
          writeHeader(cell, "rowheader", "row", &html)
        } else if narrow == .blocks, labels.indices.contains(column) {
          html.element(
            "td",
            ["role": "cell", "class": cell.isNumber ? "n" : "t", "data-label": labels[column]],
            cell.write)
        } else {
          html.element("td", ["role": "cell", "class": cell.isNumber ? "n" : "t"], cell.write)
        }
      }
    }
    html.lineFeed()
  }
}
