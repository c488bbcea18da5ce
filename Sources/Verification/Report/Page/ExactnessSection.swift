import QuernCertificates

/// The census: how much is exact, bounded, measured.
struct ExactnessSection {
  let entries: [ReportEntry]

  private static let classes: [CertificateRow.Class] = [.exact, .bounded, .measured]

  func write(to html: inout HTMLWriter) {
    let certified = entries.filter { $0.certificate != nil }
    guard !certified.isEmpty else { return }
    let largest = certified.compactMap { $0.certificate?.total.byteCount }.max() ?? 0
    html.section(
      "Size and exactness",
      """
      Exact: every value equals the checkpoint's. Bounded: no error is larger than the scales \
      allow. Measured: errors are what was measured. Bars show bytes; their lengths compare \
      the outputs.
      """
    ) { html in
      html.element("div", ["class": "grid2"]) { html in
        for entry in certified {
          guard let summary = entry.certificate else { continue }
          html.element("div", ["class": "panel"]) { html in
            html.element("h3") { $0.label(entry) }
            bar(entry, summary, largest).write(to: &html)
            table(entry, summary).write(to: &html)
            writeNotes(summary, &html)
          }
        }
      }
    }
  }

  private func bar(_ entry: ReportEntry, _ summary: CertificateSummary, _ largest: Int)
    -> StackedBar
  {
    let bytes = Double(max(1, summary.total.byteCount))
    return StackedBar(
      title: "\(entry.letter): bytes by exactness", colour: entry.colour,
      length: bytes / Double(max(1, largest)),
      parts: Self.classes.map { kind in
        (kind.rawValue, Double(summary.byClass[kind]?.byteCount ?? 0) / bytes)
      })
  }

  private func table(_ entry: ReportEntry, _ summary: CertificateSummary) -> ReportTable {
    var table = ReportTable(
      "Exactness of \(entry.letter)", .fits,
      columns: ["Class", "Tensors", "Weights", "Bytes", "of all"])
    let all = Double(max(1, summary.total.byteCount))
    for (index, kind) in Self.classes.enumerated() {
      let totals = summary.byClass[kind] ?? TensorTotals()
      let name = ReportTable.Cell(isNumber: false) { html in
        html.element("span", ["class": "whole"]) { html in
          html.element("i", ["class": "shade c\(entry.colour) s\(index)"], "")
          html.text(kind.rawValue)
        }
      }
      table.rows.append([
        name, .number(totals.tensorCount.grouped), .number(totals.elementCount.countText),
        .number(totals.byteCount.bytesText), .number((Double(totals.byteCount) / all).share),
      ])
    }
    let total = summary.total
    table.rows.append([
      .text("all"), .number(total.tensorCount.grouped), .number(total.elementCount.countText),
      .number(total.byteCount.bytesText), .number("100 %"),
    ])
    return table
  }

  private func writeNotes(_ summary: CertificateSummary, _ html: inout HTMLWriter) {
    var notes: [String] = []
    if summary.rotatedCount > 0 {
      let count = String.counted(summary.rotatedCount, "tensor")
      notes.append("\(count) rotated before encoding: errors are those of rotated values.")
    }
    if summary.zeroedCount > 0 {
      notes.append("\(summary.zeroedCount.grouped) NaN or infinite weights became 0.")
    }
    if summary.lostSignCount > 0 {
      notes.append("Signs of zeros lost: \(summary.lostSignCount.grouped).")
    }
    guard !notes.isEmpty else { return }
    html.element("p", ["class": "note"], notes.joined(separator: " "))
  }
}
