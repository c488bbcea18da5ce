/// A relative error for each layer and role: a row for each role, a column for each layer.
struct HeatMap {
  /// Errors from which a darker colour begins; the same in every report, so that pages compare.
  static let bounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]

  private static let rowHeight = 20
  private static let axisHeight = 22
  /// With more layers than this there is no room for figures, or for gaps between cells.
  private static let figureLimit = 8
  private static let gapLimit = 32
  private static let labelCount = 8

  let title: String
  let roles: [String]
  let layers: ClosedRange<Int>
  /// Nil where the layer has no such tensor, or none that was compared.
  let error: (_ layer: Int, _ role: String) -> Double?

  /// The colour of an error: x for none at all, then 0 to 8.
  static func step(_ error: Double) -> String {
    error == 0 ? "x" : "\(bounds.firstIndex { error < $0 } ?? bounds.count)"
  }

  func write(to html: inout HTMLWriter) {
    let height = roles.count * Self.rowHeight + Self.axisHeight
    let kind = layers.count > Self.gapLimit ? "heat" : "heat gaps"
    html.element("svg", ["class": kind, "role": "img", "height": "\(height)"]) { html in
      html.element("title", title)
      for (row, role) in roles.enumerated() {
        let middle = "\(row * Self.rowHeight + Self.rowHeight / 2)"
        html.element("text", ["class": "end", "x": "-8", "y": middle, "dy": ".35em"], role)
        for layer in layers { writeCell(layer, role, row: row, &html) }
      }
      writeAxis(&html, y: height - 6)
    }
    html.lineFeed()
  }

  private func writeCell(_ layer: Int, _ role: String, row: Int, _ html: inout HTMLWriter) {
    guard let error = error(layer, role) else { return }
    let width = 100 / Double(layers.count)
    let left = width * Double(layer - layers.lowerBound)
    let step = Self.step(error)
    html.element(
      "rect",
      [
        "class": "h\(step)", "x": left.fixed(2) + "%", "y": "\(row * Self.rowHeight)",
        "width": width.fixed(2) + "%", "height": "\(Self.rowHeight)",
      ]
    ) {
      $0.element("title", "layer \(layer), \(role): \(error == 0 ? "exact" : error.percent)")
    }
    guard layers.count <= Self.figureLimit else { return }
    html.element(
      "text",
      [
        "class": "middle k\(step)", "x": (left + width / 2).fixed(2) + "%",
        "y": "\(row * Self.rowHeight + Self.rowHeight / 2)", "dy": ".35em",
      ], error == 0 ? "=" : (100 * error).significant(2))
  }

  private func writeAxis(_ html: inout HTMLWriter, y: Int) {
    let steps = [1, 2, 5, 10, 20, 50, 100, 200]
    let step = steps.first { layers.count <= $0 * Self.labelCount } ?? 500
    let width = 100 / Double(layers.count)
    for layer in layers where layer.isMultiple(of: step) {
      let middle = width * (Double(layer - layers.lowerBound) + 0.5)
      html.element(
        "text", ["class": "middle", "x": middle.fixed(2) + "%", "y": "\(y)"], "\(layer)")
    }
  }

  /// What the colours mean.
  static func writeKey(to html: inout HTMLWriter) {
    html.element("p", ["class": "key"]) { html in
      html.element("span", ["class": "kx"], "= exact")
      for step in 0...bounds.count {
        let label =
          step == bounds.count
          ? "≥ \(bounds[step - 1].bound) %" : "< \(bounds[step].bound) %"
        html.element("span", ["class": "k\(step)"], label)
      }
    }
  }
}

extension Double {
  fileprivate var bound: String { (100 * self).significant(1) }
}
