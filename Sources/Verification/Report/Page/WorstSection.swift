/// The tensors with the largest relative errors.
struct WorstSection {
  let entries: [ReportEntry]

  func write(to html: inout HTMLWriter) {
    let certified = entries.filter { $0.certificate != nil }
    guard !certified.isEmpty else { return }
    html.section(
      "Worst tensors",
      "Those with the most noise for their signal. SQNR is 10 · log₁₀(signal / noise)."
    ) { html in
      html.element("div", ["class": "grid2"]) { html in
        for entry in certified {
          html.element("div", ["class": "panel"]) { html in
            html.element("h3") { $0.label(entry) }
            write(entry, &html)
          }
        }
      }
    }
  }

  private func write(_ entry: ReportEntry, _ html: inout HTMLWriter) {
    let worst = entry.certificate?.worst.entries ?? []
    guard !worst.isEmpty else {
      return html.element("p", ["class": "note"], "No tensor has an error.")
    }
    var table = ReportTable(
      "Worst tensors of \(entry.letter)", .fits,
      columns: ["Tensor", "SQNR", "Error", "Largest"])
    for tensor in worst {
      let name = ReportTable.Cell(isNumber: false) { html in
        html.name(tensor.name)
        html.element("small", detail(tensor))
      }
      table.rows.append([
        name, .number(tensor.sums.sqnrDecibels.map { $0.fixed(2) + " dB" } ?? "–"),
        .number(tensor.relativeError.percent), .number(tensor.sums.maxAbsError.significant(3)),
      ])
    }
    table.write(to: &html)
  }

  private func detail(_ tensor: WorstTensors.Entry) -> String {
    var words = [tensor.type.shortened(to: 40), tensor.classification.rawValue]
    if let bound = tensor.errorBound { words.append("bound \(bound.significant(3))") }
    if tensor.isRotated { words.append("rotated") }
    return words.joined(separator: ", ")
  }
}
