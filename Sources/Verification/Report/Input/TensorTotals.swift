import QuernCertificates

/// Sums over rows of a certificate.
struct TensorTotals {
  /// A ratio beyond this says no more than that nothing was kept.
  private static let largestRatio = 1e12

  private(set) var tensorCount = 0
  private(set) var elementCount = 0
  private(set) var byteCount = 0
  /// Σ weights · noise / signal, over tensors of which both are known.
  private var weightedRatio = 0.0
  private var comparedCount = 0.0
  private var isExact = true

  mutating func add(_ row: CertificateRow) {
    tensorCount += 1
    elementCount = elementCount.addingClamped(row.elementCount)
    byteCount = byteCount.addingClamped(row.byteCount)
    isExact = isExact && row.classification == .exact
    guard row.isWeight, let ratio = row.sums.noiseRatio else { return }
    weightedRatio += Double(row.elementCount) * min(ratio, Self.largestRatio)
    comparedCount += Double(row.elementCount)
  }

  /// Bits that a weight takes, scales and all; nil without weights.
  var bitsPerWeight: Double? {
    elementCount > 0 ? 8 * Double(byteCount) / Double(elementCount) : nil
  }

  /// The root of the mean of the tensors' squared relative errors, each counted by its weights: a norm
  /// of large values does not hide the error of the matrix beside it. Nil where nothing was compared.
  var relativeError: Double? {
    if comparedCount > 0 { return (weightedRatio / comparedCount).squareRoot() }
    return isExact && tensorCount > 0 ? 0 : nil
  }
}

extension CertificateRow {
  /// False for tables of integers, whose entries are no weights.
  fileprivate var isWeight: Bool { role != "routing-table" && type != "i32" }
}

extension ErrorSums {
  /// noise / signal; 0 where nothing was lost, nil where there is noise and no signal.
  fileprivate var noiseRatio: Double? {
    if noise == 0 { return 0 }
    return signal > 0 ? noise / signal : nil
  }
}

extension Int {
  /// The sum, or the largest number where that is beyond it: only a made-up file comes near.
  func addingClamped(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
