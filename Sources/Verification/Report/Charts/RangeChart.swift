/// Median, mean with its uncertainty, 99th percentile and maximum, one row for each run.
struct RangeChart {
  struct Row {
    let colour: Int
    let label: String
    let divergence: ParityFile.Divergence
  }

  private static let rowHeight = 44
  private static let axisHeight = 24

  let title: String
  let rows: [Row]

  private var scale: ValueScale {
    ValueScale(
      .logarithmic,
      covering: rows.flatMap {
        [$0.divergence.median, $0.divergence.mean.value, $0.divergence.p99, $0.divergence.max]
      })
  }

  func write(to html: inout HTMLWriter) {
    let scale = scale
    let bottom = rows.count * Self.rowHeight
    html.element(
      "svg", ["class": "range", "role": "img", "height": "\(bottom + Self.axisHeight)"]
    ) { html in
      html.element("title", title)
      for (index, tick) in scale.ticks.enumerated() {
        let x = place(tick, scale)
        html.empty("line", ["class": "grid", "x1": x, "x2": x, "y2": "\(bottom)"])
        let anchor = index == 0 ? "start" : index == scale.ticks.count - 1 ? "end" : "middle"
        html.element(
          "text", ["class": anchor, "x": x, "y": "\(bottom + 16)"], tick.significant(1))
      }
      for (index, row) in rows.enumerated() {
        write(row, y: index * Self.rowHeight + 28, scale, &html)
      }
    }
    html.lineFeed()
  }

  private func write(_ row: Row, y: Int, _ scale: ValueScale, _ html: inout HTMLWriter) {
    let (figures, y) = (row.divergence, "\(y)")
    html.element(
      "text", ["class": "row", "x": "0", "y": y, "dy": "-12"], row.label.shortened(to: 44))
    html.empty(
      "line",
      [
        "class": "span c\(row.colour)", "x1": place(figures.median, scale),
        "x2": place(figures.max, scale), "y1": y, "y2": y,
      ])
    let error = 2 * (figures.mean.standardError ?? 0)
    html.empty(
      "line",
      [
        "class": "doubt c\(row.colour)", "x1": place(figures.mean.value - error, scale),
        "x2": place(figures.mean.value + error, scale), "y1": y, "y2": y,
      ])
    let marks = [
      ("k-open", "median", figures.median), ("k-full", "mean", figures.mean.value),
      ("k-tick", "99th percentile", figures.p99), ("k-end", "maximum", figures.max),
    ]
    for (mark, label, value) in marks {
      html.element(
        "use",
        ["href": "#\(mark)", "class": "c\(row.colour)", "x": place(value, scale), "y": y]
      ) { $0.element("title", "\(label): \(value.significant(4))") }
    }
  }

  private func place(_ value: Double, _ scale: ValueScale) -> String {
    (100 * scale.position(value)).fixed(2) + "%"
  }
}
