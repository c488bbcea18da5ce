import Quern
import QuernVerification

/// What a comparison found, as text.
struct ParityReport {
  private let found: ParityFile

  init(_ found: ParityFile) { self.found = found }

  func printText() throws(CommandFailure) {
    let mode = found.mode == .integer ? "as its kernels compute" : "weights decoded to float32"
    try StandardOutput.line(
      "\(found.output.name.escapedForDisplay) against \(found.checkpoint.name.escapedForDisplay): "
        + mode)
    let tokens = found.tokens
    try StandardOutput.line(
      "\(tokens.count.grouped) tokens of \(tokens.source.escapedForDisplay) in "
        + "\(String.counted(tokens.sequences, "sequence"))\n")
    try StandardOutput.write(layers)
    guard let result = found.result else {
      return try StandardOutput.line("\nOnly some layers were run: nothing is said of the words.")
    }
    try StandardOutput.line()
    try StandardOutput.write(words(result))
  }

  private var layers: String {
    let hasRouter = found.layers.contains { $0.router != nil }
    let hasIndexer = found.layers.contains { $0.indexer != nil }
    var header = ["layer", "error", "own error", "cosine", "own cosine"]
    if hasRouter { header += ["router", "own router"] }
    if hasIndexer { header += ["indexer", "own indexer"] }
    var table = TextTable(header.map { _ in .right }, header: header)
    for layer in found.layers {
      var cells = [
        "\(layer.layer)", layer.relativeError.significant(3), layer.ownRelativeError.significant(3),
        layer.cosine.fixed(6), layer.ownCosine.fixed(6),
      ]
      if hasRouter { cells += Self.shares(layer.router) }
      if hasIndexer { cells += Self.shares(layer.indexer) }
      table.add(cells)
    }
    return table.text()
  }

  private static func shares(_ agreement: ParityFile.Agreement?) -> [String] {
    guard let agreement else { return ["", ""] }
    return [agreement.carried, agreement.own].map { (100 * $0).fixed(2) + " %" }
  }

  private func words(_ result: ParityFile.Result) -> String {
    let kl = result.divergence
    var table = TextTable([.left, .right, .left])
    table.add(["KL divergence", kl.mean.text(), "nats, mean"])
    table.add(["", kl.median.significant(4), "median"])
    table.add(["", kl.p99.significant(4), "99th percentile"])
    table.add(["", kl.max.significant(4), "largest"])
    table.add([
      "same first choice", result.sameTop.text(scale: 100, unit: " %"),
    ])
    table.add(["perplexity"] + Self.perplexity(result.outputPerplexity))
    table.add(["of the checkpoint"] + Self.perplexity(result.checkpointPerplexity))
    return "Of \(found.tokens.scored.grouped) next tokens:\n" + table.text()
  }

  /// With four decimals, whatever its error: the same text is compared with other tools' figures.
  private static func perplexity(_ estimate: ParityFile.Estimate) -> [String] {
    [estimate.value.fixed(4), estimate.standardError.map { "± \($0.significant(2))" } ?? ""]
  }
}
