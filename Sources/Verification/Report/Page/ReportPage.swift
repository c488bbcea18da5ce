/// The page around the sections.
struct ReportPage {
  let entries: [ReportEntry]

  init(_ entries: [ReportEntry]) { self.entries = entries }

  var html: String {
    var html = HTMLWriter()
    html.literal("<!DOCTYPE html>\n")
    html.element("html", ["lang": "en"]) { html in
      writeHead(&html)
      html.element("body") { html in
        MarkSymbols.write(to: &html)
        writeTitle(&html)
        html.element("main") { html in writeSections(&html) }
        html.element(
          "footer",
          "Made by Quern from the files named above. It holds no script and loads nothing.")
      }
    }
    html.lineFeed()
    return html.html
  }

  private func writeHead(_ html: inout HTMLWriter) {
    html.element("head") { html in
      html.literal(
        """
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <meta name="referrer" content="no-referrer"/>
        <meta http-equiv="Content-Security-Policy"
        content="default-src 'none'; style-src 'unsafe-inline'"/>

        """)
      let names = entries.prefix(3).map { $0.name.shortened(to: 60) }.joined(separator: ", ")
      html.element("title", "Quern report: \(names)\(entries.count > 3 ? ", …" : "")")
      html.element("style") { html in
        html.literal(StyleSheet.colours)
        html.literal(StyleSheet.layout)
        html.literal(StyleSheet.tables)
        html.literal(StyleSheet.charts)
      }
    }
    html.lineFeed()
  }

  private func writeTitle(_ html: inout HTMLWriter) {
    html.element("header") { html in
      html.element("p", ["class": "brand"], "Quern report")
      html.element("h1") { html in
        let models = models
        if models.count == 1 { html.name(models[0]) } else { html.text("\(models.count) models") }
      }
      html.element("p", ["class": "about"], about)
    }
    html.lineFeed()
  }

  private func writeSections(_ html: inout HTMLWriter) {
    HeadlineSection(entries: entries).write(to: &html)
    WordsSection(entries: entries).write(to: &html)
    StreamSection(entries: entries).write(to: &html)
    ExactnessSection(entries: entries).write(to: &html)
    RoleSection(entries: entries).write(to: &html)
    LayerSection(entries: entries).write(to: &html)
    WorstSection(entries: entries).write(to: &html)
    SourcesSection(entries: entries).write(to: &html)
  }

  /// What the outputs were made of, each once.
  private var models: [String] {
    var names: [String] = []
    for entry in entries {
      let options = entry.certificate?.certificate.options
      let name =
        entry.certificate?.certificate.repositoryID ?? options?["repository"]?.string
        ?? options?["folderName"]?.string ?? entry.parities.first?.checkpoint.name ?? entry.name
      // A repository and a folder of the same name are one model.
      let isNew = !names.contains {
        OutputName.lastComponent($0) == OutputName.lastComponent(name)
      }
      if isNew { names.append(name) }
    }
    return names
  }

  private var about: String {
    var architectures: [String] = []
    for entry in entries {
      guard
        let name = entry.certificate?.certificate.architecture
          ?? entry.parities.first?.output.architecture
      else { continue }
      if !architectures.contains(name) { architectures.append(name) }
    }
    let outputs =
      entries.count == 1 ? "One output" : "\(entries.count) outputs, side by side"
    return outputs + ", " + architectures.map { $0.shortened(to: 40) }.joined(separator: ", ")
  }
}

extension HTMLWriter {
  /// The letter of an output on its colour, as in every chart and table.
  mutating func badge(_ entry: ReportEntry) {
    element("span", ["class": "badge b\(entry.colour)"], entry.letter)
  }

  /// Letter and name.
  mutating func label(_ entry: ReportEntry) {
    badge(entry)
    text(" ")
    name(entry.name)
  }

  /// A section with its heading and a sentence on what is seen.
  mutating func section(
    _ title: String, _ about: String, _ body: (inout HTMLWriter) -> Void
  ) {
    element("section") { html in
      html.element("h2", title)
      html.element("p", ["class": "about"], about)
      body(&html)
    }
    lineFeed()
  }
}
