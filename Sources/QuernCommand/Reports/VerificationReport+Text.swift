import Quern

extension VerificationReport {
  private static let worstCount = 5
  /// Lines of failures; a wrong checkpoint fails in every tensor.
  private static let failureCount = 20
  private static let lineLength = 240
  private static let fileCount = 3

  func printText() throws {
    let style = Style.output
    let verdict = isPassed ? style.green("passed") : style.red("FAILED")
    let more = files.count - Self.fileCount
    try StandardOutput.line(
      files.prefix(Self.fileCount).map(\.escapedForDisplay).joined(separator: ", ")
        + (more > 0 ? " and \(String.counted(more, "more file"))" : "") + ": \(verdict)")
    try StandardOutput.line(mode.sentence)
    try StandardOutput.line()
    try StandardOutput.write(censusTable())
    try printWorst()
    try printProducts()
    try printList("notes:", notes)
    try printList("failures:", failures.prefix(Self.failureCount).map(\.description))
    let unlisted = failures.count - Self.failureCount
    if unlisted > 0 { try StandardOutput.line("  and \(unlisted.grouped) more") }
  }

  /// One line that names the worst of what failed.
  var failureText: String {
    let tensors = failedTensors
    let names =
      tensors.isEmpty
      ? failures.prefix(1).map(\.description).joined()
      : "in " + tensors.prefix(Self.worstCount).joined(separator: ", ")
        + (tensors.count > Self.worstCount ? " and \(tensors.count - Self.worstCount) more" : "")
    return
      "\(String.counted(failures.count, "check")) failed \(tensors.isEmpty ? "in " : "")\(names)"
  }

  /// Tensors that failed, those with the largest errors first.
  private var failedTensors: [String] {
    let named = Set(failures.compactMap(\.tensor))
    let failed = rows.filter { named.contains($0.name) || $0.status == .failed }
    let sorted = failed.sorted {
      ($0.sums.relativeError ?? 0, $1.name) > ($1.sums.relativeError ?? 0, $0.name)
    }.map(\.name)
    return sorted + named.subtracting(sorted).sorted()
  }

  private func censusTable() -> String {
    var table = TextTable(
      [.left, .right, .right, .right], header: ["", "tensors", "weights", "share"])
    let all = max(1, rows.reduce(0) { $0 + $1.elementCount })
    let kinds: [CertificateRow.Class?] = [.exact, .bounded, .measured, nil]
    for kind in kinds {
      let rows = rows.filter { $0.classification == kind }
      if rows.isEmpty { continue }
      let count = rows.reduce(0) { $0 + $1.elementCount }
      let share = 100 * Double(count) / Double(all)
      table.add([
        kind?.rawValue ?? "not compared", rows.count.grouped, count.grouped,
        share.fixed(2) + " %",
      ])
    }
    return table.text()
  }

  private func printWorst() throws {
    let worst = worstRows(Self.worstCount)
    guard !worst.isEmpty else { return }
    try StandardOutput.line()
    try StandardOutput.line("most noise:")
    var table = TextTable([.left, .left, .left, .right, .right])
    for row in worst {
      table.add([
        row.name, row.type, row.classification?.rawValue ?? "",
        (row.sums.sqnrDecibels ?? 0).fixed(2) + " dB",
        (100 * (row.sums.relativeError ?? 0)).fixed(3) + " %",
      ])
    }
    try StandardOutput.write(table.text())
  }

  private func printProducts() throws {
    guard !products.isEmpty else { return }
    try StandardOutput.line()
    try StandardOutput.line("products of the emulated kernels against the source's weights:")
    var table = TextTable(
      [.left, .right, .right, .right, .right, .left],
      header: ["", "weights", "median", "worst", "limit", ""])
    for row in products {
      table.add([
        row.type, row.weightCount.grouped, (100 * row.medianError).fixed(3) + " %",
        (100 * row.worstError).fixed(3) + " %", (100 * row.worstLimit).fixed(3) + " %",
        row.worstName,
      ])
    }
    try StandardOutput.write(table.text())
    let split = products.reduce(0) { $0 + $1.splitWeightCount }
    let relaid = products.reduce(0) { $0 + $1.relaidWeightCount }
    let error = products.map(\.worstSplitError).max() ?? 0
    guard split + relaid > 0 else { return }
    try StandardOutput.line(
      "  one of each shape: \(relaid) read from FRACTAL_NZ, \(split) split over 2, 4 and 16 ranks "
        + "(sums within \((100 * error).fixed(3)) %)")
  }

  /// Values of metadata may be whole chat templates.
  private static func clipped(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(lineLength)
    return String(start).escapedForDisplay
      + (start.endIndex == text.unicodeScalars.endIndex ? "" : "…")
  }

  private func printList(_ title: String, _ lines: [String]) throws {
    guard !lines.isEmpty else { return }
    try StandardOutput.line()
    try StandardOutput.line(title)
    for line in lines { try StandardOutput.line("  " + Self.clipped(line)) }
  }
}

extension VerificationReport.Row {
  fileprivate var elementCount: Int { Shape(shape).checkedElementCount ?? 0 }
}

extension VerificationReport.Mode {
  /// What was done, for people.
  fileprivate var sentence: String {
    switch self {
    case .certificate:
      "every byte is checked against its certificate; --against compares with the source"
    case .certificateAndSource:
      "every byte is checked, every figure is computed again from the source"
    case .source: "no certificate: errors are measured against the source"
    case .structure: "no certificate and no source: only the structure is checked"
    }
  }
}
