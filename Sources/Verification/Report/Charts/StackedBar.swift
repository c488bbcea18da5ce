/// Shares of one whole in a row, in shades of an output's colour.
struct StackedBar {
  let title: String
  let colour: Int
  /// The length of the bar among others, 0 to 1.
  let length: Double
  /// Strongest first; of what there is nothing, nothing is drawn.
  let parts: [(label: String, share: Double)]

  func write(to html: inout HTMLWriter) {
    html.element("svg", ["class": "bar c\(colour)", "role": "img", "height": "14"]) { html in
      html.element("title", title)
      html.empty("rect", ["class": "track", "width": "100%", "height": "14", "rx": "2"])
      var left = 0.0
      for (index, part) in parts.enumerated() where part.share > 0 {
        let width = 100 * length * part.share
        html.element(
          "rect",
          [
            "class": "s\(index)", "x": left.fixed(2) + "%", "width": width.fixed(2) + "%",
            "height": "14",
          ]
        ) { $0.element("title", "\(part.label): \(part.share.share)") }
        left += width
      }
    }
  }
}
