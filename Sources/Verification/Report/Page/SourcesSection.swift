/// What the figures are from: enough to find the files and make them again.
struct SourcesSection {
  private static let fileCount = 24
  private static let typeCount = 12

  let entries: [ReportEntry]

  func write(to html: inout HTMLWriter) {
    html.section("Where the figures are from", "Certificates and parity runs, as their files say.")
    {
      html in
      for entry in entries {
        html.element("details") { html in
          html.element("summary") { $0.label(entry) }
          html.element("dl", ["class": "facts"]) { html in
            if let summary = entry.certificate { write(summary, &html) }
            for parity in entry.parities { write(parity, &html) }
          }
        }
        html.lineFeed()
      }
    }
  }

  private func write(_ summary: CertificateSummary, _ html: inout HTMLWriter) {
    let certificate = summary.certificate
    fact("Certificate of", "quern \(certificate.toolVersion)", &html)
    fact("Architecture", certificate.architecture, &html)
    fact("Target, recipe", "\(certificate.target), \(certificate.recipeName)", &html)
    if let repository = certificate.repositoryID {
      fact("Source", repository + (certificate.revision.map { "@" + $0 } ?? ""), &html)
    }
    fact("Plan", certificate.planHash, &html)
    if let imatrix = certificate.imatrix {
      fact("Importance data", "\(imatrix.name) \(imatrix.hash)", &html)
    }
    if let calibration = certificate.calibration {
      fact("Calibration", "\(calibration.name) \(calibration.hash)", &html)
    }
    fact("Formats", formats(summary), &html)
    for file in certificate.files.prefix(Self.fileCount) {
      fact(
        "File", "\(file.name.shortened(to: 100)), \(file.byteCount.grouped) bytes, \(file.hash)",
        &html)
    }
    let more = certificate.files.count - Self.fileCount
    if more > 0 { fact("", "and \(String.counted(more, "more file"))", &html) }
    if !certificate.dropped.isEmpty {
      fact("Dropped", .counted(certificate.dropped.count, "source tensor"), &html)
    }
  }

  private func write(_ parity: ParityFile, _ html: inout HTMLWriter) {
    fact("Parity by", parity.tool, &html)
    fact("Output", "\(parity.output.name), \(parity.output.architecture)", &html)
    fact("Checkpoint", "\(parity.checkpoint.name), \(parity.checkpoint.architecture)", &html)
    fact("Weights", parity.mode.words, &html)
    fact("Tokens", parity.tokens.text, &html)
    if parity.result == nil, let first = parity.layers.first, let last = parity.layers.last {
      fact("Layers", "\(first.layer) to \(last.layer) only, so nothing is said", &html)
    }
  }

  /// Number formats by the bytes they take.
  private func formats(_ summary: CertificateSummary) -> String {
    let sorted = summary.byType.sorted {
      ($0.value.byteCount, $1.key) > ($1.value.byteCount, $0.key)
    }
    let texts = sorted.prefix(Self.typeCount).map { type, totals in
      "\(type.shortened(to: 40)) \(totals.byteCount.bytesText)"
    }
    return texts.joined(separator: ", ") + (sorted.count > Self.typeCount ? ", …" : "")
  }

  private func fact(_ label: String, _ value: String, _ html: inout HTMLWriter) {
    html.element("dt", label)
    html.element("dd") { $0.element("bdi", value.shortened(to: 300)) }
  }
}
