/// A value of each layer, one line for each output.
///
/// The drawing is as wide as the page lets it be: horizontal places are percentages, so that text and
/// marks keep their size from a phone to a desk.
struct LineChart {
  struct Series {
    let colour: Int
    /// How the line is broken: 0 for not at all.
    let dash: Int
    let label: String
    let points: [(layer: Int, value: Double)]
  }

  private static let height = 150.0
  private static let inset = 8.0
  private static let axisHeight = 26.0
  /// With more layers than this, only some marks are seen before they are pointed at.
  private static let markCount = 24
  private static let markStep = 5
  private static let dashCount = 4
  private static let labelCount = 7

  let title: String
  let series: [Series]
  let layers: ClosedRange<Int>
  let scale: ValueScale
  let format: (Double) -> String

  func write(to html: inout HTMLWriter) {
    html.element("figure") { html in
      html.element("figcaption", title)
      let size = "\(Int(Self.height + Self.axisHeight))"
      html.element("svg", ["class": "chart", "role": "img", "height": size]) { html in
        html.element("title", summary)
        writeAxes(&html)
        writeLines(&html)
        writeMarks(&html)
      }
    }
    html.lineFeed()
  }

  /// What somebody hears who cannot see the lines.
  private var summary: String {
    let ends = series.compactMap { series -> String? in
      guard let low = series.points.map(\.value).min(), let high = series.points.map(\.value).max()
      else { return nil }
      return "\(series.label.shortened(to: 60)): \(format(low)) to \(format(high))"
    }
    return "\(title), by layer. " + ends.joined(separator: "; ")
  }

  private func writeAxes(_ html: inout HTMLWriter) {
    for tick in scale.ticks {
      let y = place(tick)
      html.empty("line", ["class": "grid", "x2": "100%", "y1": y, "y2": y])
      html.element(
        "text", ["class": "end", "x": "-8", "y": y, "dy": ".35em"],
        format(tick).withoutEndingZeros)
    }
    for layer in layers where layer.isMultiple(of: layerStep) {
      html.element(
        "text", ["class": "middle", "x": place(ofLayer: layer), "y": "\(Int(Self.height) + 16)"],
        "\(layer)")
    }
  }

  /// Lines are stretched with the drawing, all else is not.
  private func writeLines(_ html: inout HTMLWriter) {
    let size = "\(Int(Self.height))"
    html.element(
      "svg",
      [
        "width": "100%", "height": size, "viewBox": "0 0 100 \(size)",
        "preserveAspectRatio": "none", "class": "lines",
      ]
    ) { html in
      for series in series where series.points.count > 1 {
        let points = series.points.map { point in
          "\(position(ofLayer: point.layer).fixed(2)),\(place(point.value))"
        }
        html.empty(
          "polyline",
          [
            "class": "c\(series.colour) d\(series.dash % Self.dashCount)",
            "points": points.joined(separator: " "),
          ])
      }
    }
  }

  private func writeMarks(_ html: inout HTMLWriter) {
    let step = layers.count > Self.markCount ? Self.markStep : 1
    for series in series {
      for point in series.points {
        let isSeen = point.layer.isMultiple(of: step) || series.points.count < step
        html.element(
          "use",
          [
            "href": "#m\(series.colour)", "class": "c\(series.colour)" + (isSeen ? "" : " q"),
            "x": place(ofLayer: point.layer), "y": place(point.value),
          ]
        ) {
          $0.element(
            "title",
            "layer \(point.layer), \(series.label.shortened(to: 40)): \(format(point.value))")
        }
      }
    }
  }

  private func place(_ value: Double) -> String {
    let inner = Self.height - 2 * Self.inset
    return (Self.inset + (1 - scale.position(value)) * inner).fixed(1)
  }

  private func position(ofLayer layer: Int) -> Double {
    guard layers.count > 1 else { return 50 }
    return 100 * Double(layer - layers.lowerBound) / Double(layers.count - 1)
  }

  private func place(ofLayer layer: Int) -> String { position(ofLayer: layer).fixed(2) + "%" }

  /// Layers between two labels.
  private var layerStep: Int {
    let steps = [1, 2, 5, 10, 20, 50, 100, 200]
    return steps.first { layers.count <= $0 * Self.labelCount } ?? 500
  }
}
