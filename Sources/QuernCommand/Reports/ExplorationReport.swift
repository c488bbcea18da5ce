import Quern

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What recipes and budgets make of a model, side by side.
struct ExplorationReport {
  let checkpoint: Checkpoint
  /// The imatrix that errors are weighted with.
  let imatrix: String?
  let target: String
  /// Source bytes that were sampled.
  let surveyByteCount: Int
  let rows: [TradeOff]

  func printText() throws {
    let style = Style.output
    try StandardOutput.line(
      style.bold("\(checkpoint.folder.escapedForDisplay) to \(target), ")
        + "errors by \(surveyByteCount.bytesText) of sampled rows"
        + (imatrix.map { ", weighted by \($0.escapedForDisplay)" } ?? ""))
    try StandardOutput.line()
    try StandardOutput.write(
      table(rows.filter { $0.budget == nil }, name: "recipe", hasLeast: true))
    try StandardOutput.line()
    try StandardOutput.write(
      table(rows.filter { $0.budget != nil }, name: "budget", hasLeast: false))
    try StandardOutput.line()
    try StandardOutput.line(
      "SQNR: Σ weight² ÷ Σ error² over all tensors that any recipe makes smaller"
        + (imatrix == nil ? "." : ", both weighted."))
  }

  private func table(_ rows: [TradeOff], name: String, hasLeast: Bool) -> String {
    var table = TextTable(
      [.left, .right, .right, .right, .right, hasLeast ? .right : .left, .left],
      header: [name, "size", "bits/weight", "exact", "SQNR"]
        + (hasLeast ? ["budget of its size"] : ["types"]) + (hasLeast ? ["types"] : []))
    for row in rows {
      var cells = [
        row.budget.map(Self.option) ?? row.name, row.outputByteCount.bytesText,
        row.bitsPerWeight.fixed(3), (100 * row.exactShare).fixed(1) + " %",
        Self.decibels(row.signal, row.noise),
      ]
      if hasLeast { cells.append(row.leastNoise.map { Self.decibels(row.signal, $0) } ?? "") }
      cells.append(Self.formats(row))
      table.add(cells)
    }
    return table.text()
  }

  /// A budget as an option would give it.
  private static func option(_ budget: Budget) -> String {
    switch budget {
    case .bitsPerWeight(let bits): "--target-bpw \(bits)"
    case .byteCount(let count): "--target-size \(count)"
    }
  }

  private static func decibels(_ signal: Double, _ noise: Double) -> String {
    guard noise.isFinite else { return "too large" }
    return signalToNoise(signal, noise).map { $0.fixed(2) + " dB" } ?? "no error"
  }

  /// The formats by their share of the weights, those of less than a percent left out.
  private static func formats(_ row: TradeOff) -> String {
    let total = Double(max(1, row.formats.reduce(0) { $0 + $1.elementCount }))
    return row.formats.compactMap { format, count in
      let percent = 100 * Double(count) / total
      return percent < 1 ? nil : "\(format.rawValue) \(percent.fixed(0)) %"
    }.joined(separator: ", ")
  }
}

/// 10·log10(signal ÷ noise); nil without noise or signal.
func signalToNoise(_ signal: Double, _ noise: Double) -> Double? {
  signal > 0 && noise > 0 ? 10 * log10(signal / noise) : nil
}

extension ExplorationReport {
  func printJSON() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("checkpoint", checkpoint.folder)
    if let repository = checkpoint.repositoryID { writer.member("repository", repository) }
    if let revision = checkpoint.revision { writer.member("revision", revision) }
    writer.member("target", target)
    if let imatrix { writer.member("imatrix", imatrix) }
    writer.member("surveyBytes", surveyByteCount)
    for (key, isBudget) in [("recipes", false), ("budgets", true)] {
      writer.key(key)
      writer.beginArray()
      for row in rows where (row.budget != nil) == isBudget { write(row, to: &writer) }
      writer.end()
    }
    writer.end()
    try StandardOutput.drain(&writer, isLast: true)
  }

  private func write(_ row: TradeOff, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", row.name)
    if case .bitsPerWeight(let bits)? = row.budget { writer.member("targetBitsPerWeight", bits) }
    writer.member("outputBytes", row.outputByteCount)
    writer.member("bitsPerWeight", row.bitsPerWeight)
    writer.member("exactShare", row.exactShare)
    writer.member("signal", row.signal)
    // JSON has no infinity: a format that cannot hold a tensor has no error.
    if row.noise.isFinite { writer.member("noise", row.noise) }
    if let least = row.leastNoise, least.isFinite { writer.member("noiseOfBudget", least) }
    if let decibels = signalToNoise(row.signal, row.noise), decibels.isFinite {
      writer.member("sqnrDecibels", (100 * decibels).rounded() / 100)
    }
    writer.key("types")
    writer.beginArray()
    for (format, count) in row.formats {
      writer.beginObject(.inline)
      writer.member("name", format.rawValue)
      writer.member("weights", count)
      writer.end()
    }
    writer.end()
    writer.end()
  }
}
