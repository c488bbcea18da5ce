import QuernCertificates

/// Compares the claims of a certificate's row with what was computed anew.
struct RowComparison {
  private(set) var differences: [(what: String, found: String, expected: String)] = []

  /// - Parameter hasSource: whether the findings are from a comparison with the source; without one
  ///   only what follows from the output is compared.
  init(_ row: CertificateRow, _ finding: TensorFinding, hasSource: Bool) {
    compare("hash of its bytes", finding.hash, row.hash)
    compare("zeroBlocks", finding.counts.zeroBlocks, row.counts.zeroBlocks)
    compare("subnormalScales", finding.counts.subnormalScales, row.counts.subnormalScales)
    compare("output", finding.sums.output, row.sums.output)
    if !finding.sums.output.isFinite {
      differences.append(("values", "NaN or infinity", "finite values"))
    }
    if hasSource { compareWithSource(row, finding) } else { checkConsistency(of: row) }
  }

  private mutating func compareWithSource(_ row: CertificateRow, _ finding: TensorFinding) {
    compare("signal", finding.sums.signal, row.sums.signal)
    compare("noise", finding.sums.noise, row.sums.noise)
    compare("maxAbsError", finding.sums.maxAbsError, row.sums.maxAbsError)
    compare("unequal", finding.sums.unequalCount, row.sums.unequalCount)
    compare("lostSigns", finding.sums.lostSignCount, row.sums.lostSignCount)
    compare("zeroedNonFinite", finding.counts.zeroedNonFinite, row.counts.zeroedNonFinite)
    compare("exactRows", finding.counts.exactRows, row.counts.exactRows)
    compare("errorBound", finding.errorBound, row.errorBound)
    var proven = row
    (proven.sums, proven.counts) = (finding.sums, finding.counts)
    proven.errorBound = finding.errorBound
    compare("class", proven.classification.rawValue, row.classification.rawValue)
    compareSources(row, finding)
  }

  private mutating func compareSources(_ row: CertificateRow, _ finding: TensorFinding) {
    compare("number of sources", finding.sources.count, row.sources.count)
    for (found, claimed) in zip(finding.sources, row.sources) {
      compare("hash of the source \(claimed.name)", found.hash, claimed.hash)
      compare("hash of the scales of \(claimed.name)", found.scaleHash, claimed.scaleHash)
    }
  }

  /// What figures cannot say together, whatever the source was.
  private mutating func checkConsistency(of row: CertificateRow) {
    let sums = row.sums
    let hasError = sums.unequalCount > 0
    if hasError != (sums.noise > 0) || hasError != (sums.maxAbsError > 0)
      || (!hasError && sums.signal != sums.output) || sums.unequalCount > row.elementCount
      || sums.lostSignCount > row.elementCount || sums.unequalCount < 0 || sums.lostSignCount < 0
    {
      differences.append(
        (
          "figures",
          "unequal \(sums.unequalCount), noise \(sums.noise), "
            + "maxAbsError \(sums.maxAbsError), signal \(sums.signal), output \(sums.output)",
          "figures that agree with each other"
        ))
    }
  }

  /// Found is what the certificate says of a figure, expected what was computed; with hashes it is
  /// the other way round, for the file is what changed.
  private mutating func compare<Value: Equatable>(_ what: String, _ computed: Value, _ claim: Value)
  {
    guard computed != claim else { return }
    let isHash = what.hasPrefix("hash")
    differences.append(
      (
        isHash ? what : "\(what) in the certificate",
        Self.text(isHash ? computed : claim), Self.text(isHash ? claim : computed)
      ))
  }

  private static func text<Value>(_ value: Value) -> String {
    if let optional = value as? (any OptionalValue) { return optional.text }
    return "\(value)"
  }
}

private protocol OptionalValue { var text: String { get } }

extension Optional: OptionalValue {
  var text: String { map { "\($0)" } ?? "nothing" }
}
