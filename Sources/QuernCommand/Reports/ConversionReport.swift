import Quern

/// What a conversion made and what it cost.
struct ConversionReport {
  let plan: ConversionPlan
  let certificate: Certificate
  let outputPath: String
  /// As the user named it.
  let checkpoint: String
  let seconds: Double
  /// What experts in four bits cost, where there are any.
  let fourBits: FourBitComparison?

  private static let worstCount = 5

  var folder: String {
    guard plan.target != .gguf else { return FileSystem.parent(of: outputPath) }
    return outputPath.hasSuffix("/") ? String(outputPath.dropLast()) : outputPath
  }

  /// The path of a file beside the output, as short as the user's own.
  func path(of name: String) -> String { folder == "." ? name : folder + "/" + name }

  var certificatePath: String {
    plan.target == .gguf
      ? path(of: Conversion.certificateName(forOutput: outputPath))
      : path(of: Conversion.folderCertificateName)
  }

  var sourceByteCount: Int { plan.tensors.reduce(0) { $0 + $1.sourceByteCount } }

  /// What proves the output.
  var verifyCommand: String {
    let output = plan.target == .gguf ? path(of: plan.files.first?.name ?? "") : folder
    return "quern verify \(output.shellQuoted) --against \(checkpoint.shellQuoted)"
  }

  /// The tensors with the lowest ratio of signal to noise; none where everything is exact.
  var worst: [CertificateRow] {
    let noisy = certificate.rows.filter { $0.sums.sqnrDecibels != nil }
    let sorted = noisy.sorted {
      ($0.sums.noise / $0.sums.signal, $1.name) > ($1.sums.noise / $1.sums.signal, $0.name)
    }
    return Array(sorted.prefix(Self.worstCount))
  }

  /// Tensors and weights of each class, the strongest claim first.
  var census: [(CertificateRow.Class, tensorCount: Int, elementCount: Int)] {
    let kinds: [CertificateRow.Class] = [.exact, .bounded, .measured]
    return kinds.map { kind in
      let rows = certificate.rows.filter { $0.classification == kind }
      return (kind, rows.count, rows.reduce(0) { $0 + $1.elementCount })
    }
  }

  // MARK: Text

  func printText() throws {
    var files = TextTable([.left, .right, .left])
    for file in plan.files {
      files.add([
        path(of: file.name), file.byteCount.bytesText, "(\(file.byteCount.grouped) bytes)",
      ])
    }
    files.add([certificatePath, "", "certificate"])
    try StandardOutput.write(files.text(indent: 0))
    try StandardOutput.line()
    try StandardOutput.write(censusTable())
    try StandardOutput.line()
    try printWorst()
    if let fourBits {
      try StandardOutput.write(fourBits.text)
      try StandardOutput.line()
    }
    if let importance = plan.importance, let summary = plan.importanceSummary {
      try StandardOutput.line(
        "imatrix \(importance.fileName.escapedForDisplay): \(summary.text)")
    }
    try StandardOutput.line(summary)
    try StandardOutput.line()
    try StandardOutput.line("Next: \(verifyCommand.escapedForDisplay)")
    if let serve = ServeCommand(plan, path: folder) {
      try StandardOutput.line("Then: \(serve.text.escapedForDisplay)")
    }
  }

  private var summary: String {
    let rate = Double(sourceByteCount) / max(seconds, 1e-6) / 1e9
    return "\(plan.bitsPerWeight.fixed(3)) bits per weight; \(sourceByteCount.bytesText) read in "
      + "\(seconds.durationText), \(rate.fixed(2)) GB/s"
  }

  private func censusTable() -> String {
    var table = TextTable(
      [.left, .right, .right, .right], header: ["", "tensors", "weights", "share"])
    let all = max(1, certificate.rows.reduce(0) { $0 + $1.elementCount })
    for (kind, tensorCount, elementCount) in census {
      let share = 100 * Double(elementCount) / Double(all)
      table.add([
        kind.rawValue, tensorCount.grouped, elementCount.grouped, share.fixed(2) + " %",
      ])
    }
    return table.text()
  }

  private func printWorst() throws {
    guard !worst.isEmpty else {
      return try StandardOutput.line("every value is exact")
    }
    try StandardOutput.line("most noise:")
    var table = TextTable([.left, .left, .left, .right, .left])
    for row in worst {
      table.add([
        row.name, row.type, row.classification.rawValue,
        (row.sums.sqnrDecibels ?? 0).fixed(2) + " dB",
        row.importance?.sqnrDecibels.map { $0.fixed(2) + " dB weighted" } ?? "",
      ])
    }
    try StandardOutput.write(table.text())
    try StandardOutput.line()
  }
}
