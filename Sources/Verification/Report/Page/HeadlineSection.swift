/// The answer: what each output weighs, how much is exact, and how near its words are.
struct HeadlineSection {
  let entries: [ReportEntry]

  func write(to html: inout HTMLWriter) {
    html.element("section", ["class": entries.count == 1 ? "cards one" : "cards"]) { html in
      for entry in entries {
        html.element("article", ["class": "card e\(entry.colour)"]) { html in
          writeName(of: entry, &html)
          html.element("dl") { html in
            for figure in figures(of: entry) { write(figure, &html) }
          }
        }
      }
    }
    html.lineFeed()
  }

  private struct Figure {
    let label: String
    let value: String
    let detail: String
  }

  private func writeName(of entry: ReportEntry, _ html: inout HTMLWriter) {
    html.element("h2") { $0.label(entry) }
    html.element("p", ["class": "about"]) { html in
      if let certificate = entry.certificate?.certificate {
        html.text(certificate.target.shortened(to: 40) + ", recipe ")
        html.name(certificate.recipeName)
      } else {
        html.text("no certificate given")
      }
    }
  }

  private func write(_ figure: Figure, _ html: inout HTMLWriter) {
    html.element("div") { html in
      html.element("dt", figure.label)
      html.element("dd") { html in
        html.element("b", figure.value)
        html.element("small", figure.detail)
      }
    }
  }

  private func figures(of entry: ReportEntry) -> [Figure] {
    var figures: [Figure] = []
    if let summary = entry.certificate {
      let files = summary.certificate.files.reduce(0) { $0.addingClamped($1.byteCount) }
      figures.append(
        Figure(
          label: "Size", value: files.bytesText,
          detail: .counted(summary.certificate.files.count, "file")))
      let total = summary.total
      figures.append(
        Figure(
          label: "Bits per weight", value: total.bitsPerWeight?.fixed(2) ?? "–",
          detail: total.elementCount.countText + " weights"))
      figures.append(exactness(summary))
    }
    if let parity = entry.parities.first(where: { $0.result != nil }) {
      figures += words(parity)
    }
    if let worst = worstLayer(of: entry) { figures.append(worst) }
    return figures
  }

  private func exactness(_ summary: CertificateSummary) -> Figure {
    let exact = summary.byClass[.exact] ?? TensorTotals()
    let share = Double(exact.elementCount) / Double(max(1, summary.total.elementCount))
    return Figure(
      label: "Exact", value: share.share,
      detail:
        "of weights, \(exact.tensorCount.grouped) of \(summary.total.tensorCount.grouped) tensors")
  }

  private func words(_ parity: ParityFile) -> [Figure] {
    guard let result = parity.result else { return [] }
    let mean = result.divergence.mean
    return [
      Figure(
        label: "KL divergence",
        value: mean.value.significant(mean.value.magnitude < 0.001 ? 2 : 3),
        detail: (mean.standardError.map { "± " + $0.significant(2) + ", " } ?? "")
          + parity.mode.words),
      Figure(
        label: "Same first choice", value: (100 * result.sameTop.value).fixed(1) + " %",
        detail: result.sameTop.standardError.map { "± " + (100 * $0).fixed(1) + " % of tokens" }
          ?? "of tokens"),
    ]
  }

  /// By the stream where it was run, by the weights where not.
  private func worstLayer(of entry: ReportEntry) -> Figure? {
    if let layer = entry.parities.first?.worstLayer {
      return Figure(
        label: "Worst layer", value: "\(layer.layer)",
        detail: "adds \(layer.ownRelativeError.percent) to the stream")
    }
    let errors = (entry.certificate?.layers ?? [:]).compactMap { layer, totals in
      totals.relativeError.map { (layer: layer, error: $0) }
    }
    guard
      let worst = errors.max(by: { ($0.error, $1.layer) < ($1.error, $0.layer) }), worst.error > 0
    else { return nil }
    return Figure(
      label: "Worst layer", value: "\(worst.layer)",
      detail: "weights are off by \(worst.error.percent)")
  }
}
