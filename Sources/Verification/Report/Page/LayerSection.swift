import QuernCheckpoints

/// The weights' errors by layer, and by layer and role.
struct LayerSection {
  let entries: [ReportEntry]

  func write(to html: inout HTMLWriter) {
    let certified = entries.filter { $0.certificate?.layers.isEmpty == false }
    let numbers = certified.flatMap { $0.certificate.map { Array($0.layers.keys) } ?? [] }
    guard let first = numbers.min(), let last = numbers.max() else { return }
    html.section(
      "Weights by layer and role",
      """
      Relative error of the weights, counted as above. A darker cell is a larger error; \
      colours mean the same in every report.
      """
    ) { html in
      writeLines(certified, first...last, &html)
      HeatMap.writeKey(to: &html)
      html.element("div", ["class": "grid2"]) { html in
        for entry in certified { writeMap(entry, certified, first...last, &html) }
      }
    }
  }

  private func writeLines(
    _ certified: [ReportEntry], _ layers: ClosedRange<Int>, _ html: inout HTMLWriter
  ) {
    let series = certified.map { entry in
      LineChart.Series(
        colour: entry.colour, dash: 0, label: "\(entry.letter) \(entry.name)",
        points: layers.compactMap { layer in
          entry.certificate?.layers[layer]?.relativeError.map { (layer, $0) }
        })
    }
    html.element("ul", ["class": "legend"]) { html in
      for entry in certified {
        html.element("li") { html in
          html.legendMark(colour: entry.colour, dash: 0)
          html.label(entry)
        }
      }
    }
    LineChart(
      title: "Relative error of all weights of a layer", series: series, layers: layers,
      scale: ValueScale(.error, covering: series.flatMap { $0.points.map(\.value) }),
      format: \.percent
    ).write(to: &html)
  }

  private func writeMap(
    _ entry: ReportEntry, _ certified: [ReportEntry], _ layers: ClosedRange<Int>,
    _ html: inout HTMLWriter
  ) {
    guard let summary = entry.certificate else { return }
    let roles = TensorRole.tableOrder.filter { role in
      certified.contains { entry in
        layers.contains { layer in
          entry.certificate?.cells[.init(layer: layer, role: role)]?.relativeError != nil
        }
      }
    }
    let error = { (layer: Int, role: String) in
      summary.cells[CertificateSummary.Cell(layer: layer, role: role)]?.relativeError
    }
    html.element("div", ["class": "panel"]) { html in
      html.element("h3") { $0.label(entry) }
      HeatMap(
        title: "\(entry.letter): relative error by layer and role", roles: roles, layers: layers,
        error: error
      ).write(to: &html)
      html.element("details") { html in
        html.element("summary", "Figures in percent")
        table(entry, roles, layers, error).write(to: &html)
      }
    }
  }

  private func table(
    _ entry: ReportEntry, _ roles: [String], _ layers: ClosedRange<Int>,
    _ error: (Int, String) -> Double?
  ) -> ReportTable {
    var table = ReportTable(
      "Relative error of \(entry.letter) in percent, by layer and role", .moves,
      header: [.text("Layer"), .number("all")] + roles.map { .number($0) })
    for layer in layers {
      let errors =
        [entry.certificate?.layers[layer]?.relativeError] + roles.map { error(layer, $0) }
      table.rows.append(
        [.number("\(layer)")]
          + errors.map { .number($0.map { (100 * $0).significant(3) } ?? "–") })
    }
    return table
  }
}
