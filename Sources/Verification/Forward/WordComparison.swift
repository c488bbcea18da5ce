import QuernModels
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Compares the probabilities that two models give the next token, from logits that arrive a run of the
/// vocabulary at a time. All sums are float64.
///
/// With p and q the two distributions, l and m their logits, and the sums taken against running maxima:
/// KL(p‖q) = Σ p·(l − m) − ln Σ e^l + ln Σ e^m.
final class WordComparison: @unchecked Sendable {
  // Unchecked: each row is one task's.
  private struct Row {
    var (referenceTop, referenceSum, referenceBest) = (-Float.infinity, 0.0, -1)
    var (outputTop, outputSum, outputBest) = (-Float.infinity, 0.0, -1)
    /// Σ e^(l − top) · (l − m)
    var difference = 0.0
    var (referenceTarget, outputTarget) = (0.0, 0.0)
  }

  private let rows: UnsafeMutableBufferPointer<Row>
  private let targets: [UInt32]

  /// - Parameter targets: the token that follows each row.
  init(targets: [UInt32]) {
    self.targets = targets
    rows = .allocate(capacity: targets.count)
    rows.initialize(repeating: Row())
  }

  deinit { rows.deallocate() }

  /// Adds the logits of all rows for a run of the vocabulary.
  func add(
    _ vocabulary: Range<Int>, reference: Activations, output: Activations, _ workers: Workers
  ) throws(ModelError) {
    let size = 32
    try workers.run((rows.count + size - 1) / size) { _, task in
      for row in task * size..<min((task + 1) * size, self.rows.count) {
        self.add(row, vocabulary, reference.row(row), output.row(row))
      }
    }
  }

  private func add(
    _ index: Int, _ vocabulary: Range<Int>, _ reference: UnsafeMutableBufferPointer<Float>,
    _ output: UnsafeMutableBufferPointer<Float>
  ) {
    var row = rows[index]
    for column in reference.indices {
      let token = vocabulary.lowerBound + column
      if reference[column] > row.referenceTop {
        let factor = exp(Double(row.referenceTop) - Double(reference[column]))
        row.referenceSum *= factor
        row.difference *= factor
        (row.referenceTop, row.referenceBest) = (reference[column], token)
      }
      if output[column] > row.outputTop {
        row.outputSum *= exp(Double(row.outputTop) - Double(output[column]))
        (row.outputTop, row.outputBest) = (output[column], token)
      }
      let weight = exp(Double(reference[column]) - Double(row.referenceTop))
      row.referenceSum += weight
      row.difference += weight * (Double(reference[column]) - Double(output[column]))
      row.outputSum += exp(Double(output[column]) - Double(row.outputTop))
    }
    let target = Int(targets[index])
    if vocabulary.contains(target) {
      row.referenceTarget = Double(reference[target - vocabulary.lowerBound])
      row.outputTarget = Double(output[target - vocabulary.lowerBound])
    }
    rows[index] = row
  }

  /// What all rows add up to.
  var result: ParityFile.Result {
    var (divergences, referenceLosses, outputLosses) = ([Double](), [Double](), [Double]())
    var same = 0
    for row in rows {
      let referenceTotal = Double(row.referenceTop) + log(row.referenceSum)
      let outputTotal = Double(row.outputTop) + log(row.outputSum)
      // Below zero only by rounding.
      divergences.append(
        max(0, row.difference / row.referenceSum - referenceTotal + outputTotal))
      referenceLosses.append(referenceTotal - row.referenceTarget)
      outputLosses.append(outputTotal - row.outputTarget)
      if row.referenceBest == row.outputBest { same += 1 }
    }
    let fraction = Double(same) / Double(rows.count)
    let spread = fraction * (1 - fraction) / Double(max(1, rows.count - 1))
    divergences.sort()
    return ParityFile.Result(
      divergence: ParityFile.Divergence(
        mean: Self.mean(divergences), median: Self.quantile(divergences, 0.5),
        p99: Self.quantile(divergences, 0.99), max: divergences.last ?? 0),
      sameTop: ParityFile.Estimate(value: fraction, standardError: spread.squareRoot()),
      checkpointPerplexity: Self.perplexity(referenceLosses),
      outputPerplexity: Self.perplexity(outputLosses))
  }

  private static func mean(_ values: [Double]) -> ParityFile.Estimate {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return ParityFile.Estimate(
      value: mean,
      standardError: count > 1 ? (squares / count / (count - 1)).squareRoot() : nil)
  }

  /// e to the mean loss; its error by the derivative.
  private static func perplexity(_ losses: [Double]) -> ParityFile.Estimate {
    let mean = mean(losses)
    let value = exp(mean.value)
    return ParityFile.Estimate(value: value, standardError: mean.standardError.map { $0 * value })
  }

  /// Of sorted values, linear between two.
  private static func quantile(_ values: [Double], _ fraction: Double) -> Double {
    guard let last = values.last else { return 0 }
    let place = fraction * Double(values.count - 1)
    let index = Int(place)
    guard index + 1 < values.count else { return last }
    return values[index] + (place - Double(index)) * (values[index + 1] - values[index])
  }
}
