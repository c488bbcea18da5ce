/// Where in the network the error arises: the stream layer by layer, as it came and by each layer alone.
struct StreamSection {
  let entries: [ReportEntry]

  func write(to html: inout HTMLWriter) {
    let series = ParitySeries.all(entries).filter { !$0.parity.layers.isEmpty }
    let numbers = series.flatMap { $0.parity.layers.map(\.layer) }
    guard let first = numbers.min(), let last = numbers.max() else { return }
    html.section(
      "Where it arises",
      """
      The stream after each layer beside the checkpoint's. Carried: with the errors of all \
      layers before. Own: the layer alone, given the checkpoint's stream.
      """
    ) { html in
      writeLegend(series, &html)
      html.element("div", ["class": "pairs"]) { html in
        for measure in Measure.all { write(measure, series, first...last, &html) }
      }
      for series in series { writeFigures(series, &html) }
    }
  }

  /// One figure of a layer, as it came and on its own.
  private struct Measure {
    let carriedTitle: String
    let ownTitle: String
    let kind: ValueScale.Kind
    let carried: (ParityFile.Layer) -> Double?
    let own: (ParityFile.Layer) -> Double?
    let format: (Double) -> String

    func scale(of values: [Double], both: [Double]) -> ValueScale {
      if case .error = kind { return ValueScale(kind, covering: both) }
      return ValueScale(kind, covering: values)
    }

    static var all: [Measure] {
      [
        Measure(
          carriedTitle: "Relative error, carried", ownTitle: "Relative error, own", kind: .error,
          carried: \.relativeError, own: \.ownRelativeError, format: \.percent),
        Measure(
          carriedTitle: "1 − cosine, carried", ownTitle: "1 − cosine, own", kind: .error,
          carried: { max(0, 1 - $0.cosine) }, own: { max(0, 1 - $0.ownCosine) },
          format: { $0.significant(3) }),
        Measure(
          carriedTitle: "Router: experts that both chose, carried",
          ownTitle: "Router, own", kind: .share(smallestGap: 0.01),
          carried: { $0.router?.carried }, own: { $0.router?.own }, format: \.agreementText),
        Measure(
          carriedTitle: "Indexer: entries that both chose, carried",
          ownTitle: "Indexer, own", kind: .share(smallestGap: 0.01),
          carried: { $0.indexer?.carried }, own: { $0.indexer?.own }, format: \.agreementText),
      ]
    }
  }

  /// Two charts; errors are on one scale, so that they compare. Shares of experts are not: most of what
  /// a layer chooses by itself is the same.
  private func write(
    _ measure: Measure, _ series: [ParitySeries], _ layers: ClosedRange<Int>,
    _ html: inout HTMLWriter
  ) {
    let values = { (value: (ParityFile.Layer) -> Double?) in
      series.flatMap { $0.parity.layers.compactMap(value) }
    }
    let (carried, own) = (values(measure.carried), values(measure.own))
    guard !carried.isEmpty else { return }
    for (title, value, values) in [
      (measure.carriedTitle, measure.carried, carried), (measure.ownTitle, measure.own, own),
    ] {
      LineChart(
        title: title,
        series: series.map { series in
          LineChart.Series(
            colour: series.entry.colour, dash: series.run,
            label: "\(series.entry.letter) \(series.entry.name)",
            points: series.parity.layers.compactMap { layer in
              value(layer).map { (layer.layer, $0) }
            })
        }, layers: layers, scale: measure.scale(of: values, both: carried + own),
        format: measure.format
      ).write(to: &html)
    }
  }

  private func writeLegend(_ series: [ParitySeries], _ html: inout HTMLWriter) {
    html.element("ul", ["class": "legend"]) { html in
      for series in series {
        html.element("li") { html in
          html.legendMark(colour: series.entry.colour, dash: series.run)
          html.label(series.entry)
          html.element("small", " " + series.detail)
        }
      }
    }
  }

  private func writeFigures(_ series: ParitySeries, _ html: inout HTMLWriter) {
    var table = ReportTable(
      "Figures of \(series.entry.letter), layer by layer", .moves,
      columns: [
        "Layer", "error", "own error", "cosine", "own cosine", "router", "own router", "indexer",
        "own indexer",
      ])
    for layer in series.parity.layers {
      let shares = [layer.router, layer.indexer].flatMap { agreement in
        [agreement?.carried.agreementText ?? "–", agreement?.own.agreementText ?? "–"]
      }
      let figures =
        [
          "\(layer.layer)", layer.relativeError.percent, layer.ownRelativeError.percent,
          layer.cosine.fixed(6), layer.ownCosine.fixed(6),
        ] + shares
      table.rows.append(figures.map { .number($0) })
    }
    html.element("details") { html in
      html.element("summary") { html in
        html.text("Figures by layer: ")
        html.label(series.entry)
        html.text(", \(series.detail)")
      }
      table.write(to: &html)
    }
    html.lineFeed()
  }
}

extension HTMLWriter {
  /// A piece of line with its mark, as charts draw it.
  mutating func legendMark(colour: Int, dash: Int) {
    element(
      "svg", ["class": "mark c\(colour)", "width": "26", "height": "12", "aria-hidden": "true"]
    ) {
      $0.empty(
        "line", ["class": "c\(colour) d\(dash % 4)", "x2": "26", "y1": "6", "y2": "6"])
      $0.empty("use", ["href": "#m\(colour)", "class": "c\(colour)", "x": "13", "y": "6"])
    }
  }
}

extension Double {
  fileprivate var agreementText: String { (100 * self).fixed(self == 1 ? 0 : 2) + "\u{a0}%" }
}
