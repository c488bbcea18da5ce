/// Whether the products of a weight are as near to those of the source as its type explains.
///
/// Errors of independent inputs, weights and roundings add as squares: the relative error of a product
/// is near √(w² + x² + r²), with w that of the weights, as measured, x that of the quantized inputs, and
/// r what BF16 results and, for W4A8, partial products in F16 add. Random inputs may double it, where
/// few directions hold a weight's errors; given ones, whose columns are no strangers to each other, may
/// give four times as much. A product is small beside
/// its factors where columns cancel: it is measured against what independent ones would give, if that is
/// more.
struct ParityVerdict {
  let error: Double
  let limit: Double
  /// The relative error of the sum over ranks, and how many there are; the worst.
  private(set) var splitError = 0.0

  private static let randomAllowance = 2.0
  private static let givenAllowance = 4.0
  private static let resultError = 0x1p-8
  private static let partialError = 0x1p-7
  /// Partial products have eleven bits, and cancel each other somewhat.
  static let splitLimit = 0.01

  /// - Parameter weightError: √(noise / signal) of the weight.
  init(_ sums: ParitySums, _ task: ParityTask, weightError: Double, columnCount: Int, isFour: Bool)
  {
    let independent = task.inputs.signal * sums.weightSignal / Double(max(1, columnCount))
    let signal = max(sums.signal, independent)
    error = signal > 0 ? (sums.noise / signal).squareRoot() : sums.noise > 0 ? .infinity : 0
    let rounding = isFour ? Self.partialError : Self.resultError
    let explained =
      (weightError * weightError + task.inputError * task.inputError + rounding * rounding)
      .squareRoot()
    limit = (task.inputs.isRandom ? Self.randomAllowance : Self.givenAllowance) * explained
    if sums.splitSignal > 0, let worst = sums.splitNoise.max() {
      splitError = (worst / sums.splitSignal).squareRoot()
    }
  }
}

extension VerificationReport {
  /// Judges the products of all weights, and sums them up by type.
  mutating func addProducts(
    _ results: [(tensor: CheckedTensor, type: String, finding: TensorFinding, file: String)]
  ) {
    var byType: [String: [(name: String, verdict: ParityVerdict, task: ParityTask)]] = [:]
    for (tensor, type, finding, file) in results {
      guard let task = tensor.parity, case .integers(let storage) = tensor.storage else { continue }
      let sums = finding.integers.parity
      let verdict = ParityVerdict(
        sums, task, weightError: finding.sums.relativeError ?? 0, columnCount: tensor.rowLength,
        isFour: storage.packing == .rowPairs)
      byType[type, default: []].append((tensor.name, verdict, task))
      if let defect = sums.defect {
        fail(
          file, tensor: tensor.name, "kernel, row \(defect.row)", found: defect.found,
          expected: defect.expected)
      }
      if !(verdict.error <= verdict.limit) {
        fail(
          file, tensor: tensor.name, "relative error of its kernel's products",
          found: "\(verdict.error)", expected: "at most \(verdict.limit)")
      }
      if !(verdict.splitError <= ParityVerdict.splitLimit) {
        fail(
          file, tensor: tensor.name, "sum of the products of ranks",
          found: "a relative error of \(verdict.splitError)",
          expected: "at most \(ParityVerdict.splitLimit)")
      }
    }
    for (type, verdicts) in byType.sorted(by: { $0.key < $1.key }) {
      let sorted = verdicts.sorted {
        ($0.verdict.error, $0.name) < ($1.verdict.error, $1.name)
      }
      guard let worst = sorted.last else { continue }
      products.append(
        Products(
          type: type, weightCount: sorted.count,
          medianError: sorted[sorted.count / 2].verdict.error, worstError: worst.verdict.error,
          worstName: worst.name, worstLimit: worst.verdict.limit,
          splitWeightCount: sorted.count { !$0.task.splits.isEmpty },
          worstSplitError: sorted.map(\.verdict.splitError).max() ?? 0,
          relaidWeightCount: sorted.count { $0.task.readsNZ }))
    }
  }
}
