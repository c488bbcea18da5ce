import QuernCheckpoints

/// Bits, bytes and error by role.
struct RoleSection {
  let entries: [ReportEntry]

  private struct Metric {
    let title: String
    let short: String
    let text: (TensorTotals) -> String

    static var all: [Metric] {
      [
        Metric(title: "Bits per weight", short: "Bits") { $0.bitsPerWeight?.fixed(2) ?? "–" },
        Metric(title: "Size", short: "Size") { $0.byteCount.bytesText },
        Metric(title: "Relative error", short: "Error") { $0.relativeError?.errorText ?? "–" },
      ]
    }
  }

  func write(to html: inout HTMLWriter) {
    let certified = entries.filter { $0.certificate != nil }
    guard !certified.isEmpty else { return }
    html.section(
      "By role",
      """
      What the tensors of each role weigh, and their relative error: the root of the mean \
      square of √(noise / signal), each tensor counted by its weights.
      """
    ) { html in
      html.element("div", ["class": grid(certified.count)]) {
        html in
        if certified.count == 1 {
          writeTable("By role", certified, Metric.all, &html)
        } else {
          for metric in Metric.all { writeTable(metric.title, certified, [metric], &html) }
        }
      }
    }
  }

  private func writeTable(
    _ title: String, _ certified: [ReportEntry], _ metrics: [Metric], _ html: inout HTMLWriter
  ) {
    let heads = certified.flatMap { entry in
      metrics.map { metric in
        ReportTable.Cell(isNumber: true) { html in
          if metrics.count > 1 { html.text(metric.short) } else { html.badge(entry) }
        }
      }
    }
    var table = ReportTable(
      title, metrics.count > 1 ? .fits : .moves, header: [.text("Role")] + heads)
    for role in roles(certified) {
      table.rows.append(
        [.text(role)] + cells(certified, metrics) { $0.byRole[role] })
    }
    table.rows.append([.text("all")] + cells(certified, metrics, \.total))
    html.element("div", ["class": "panel"]) { html in
      if metrics.count == 1 { html.element("h3", title) }
      table.write(to: &html)
    }
  }

  /// More outputs need more width for each figure.
  private func grid(_ count: Int) -> String {
    count <= 3 ? "grid3" : count <= 5 ? "grid2" : "grid1"
  }

  private func cells(
    _ certified: [ReportEntry], _ metrics: [Metric],
    _ totals: (CertificateSummary) -> TensorTotals?
  ) -> [ReportTable.Cell] {
    certified.flatMap { entry in
      metrics.map { metric in
        .number(entry.certificate.flatMap(totals).map(metric.text) ?? "–")
      }
    }
  }

  private func roles(_ certified: [ReportEntry]) -> [String] {
    TensorRole.tableOrder.filter { role in
      certified.contains { $0.certificate?.byRole[role] != nil }
    }
  }
}

extension Double {
  /// A relative error, by its word where there is none.
  var errorText: String { self == 0 ? "exact" : percent }
}
