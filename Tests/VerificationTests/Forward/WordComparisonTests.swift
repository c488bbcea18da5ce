import Foundation
import QuernModels
import QuernTestSupport
import Testing

@testable import QuernVerification

/// The sums that run over pieces of the vocabulary are those of the definitions.
@Suite struct WordComparisonTests {
  private static let (rows, vocabulary) = (40, 700)

  /// Logits of one model and of another that is a little off.
  private static func logits() -> (reference: [[Double]], output: [[Double]], targets: [UInt32]) {
    var numbers = SeededNumbers(seed: 7)
    let reference = (0..<rows).map { _ in (0..<vocabulary).map { _ in numbers.next() * 8 } }
    let output = reference.map { $0.map { Double(Float($0 + numbers.next() * 0.5)) } }
    return (
      reference.map { $0.map { Double(Float($0)) } }, output,
      (0..<rows).map { UInt32($0 * 17 % vocabulary) }
    )
  }

  private static func result(_ runs: [Range<Int>]) throws -> ParityFile.Result {
    let (reference, output, targets) = logits()
    let comparison = WordComparison(targets: targets)
    for run in runs {
      func part(_ all: [[Double]]) -> Activations {
        Activations(
          rows: rows, width: run.count, values: all.flatMap { $0[run].map { Float($0) } })
      }
      try comparison.add(
        run, reference: part(reference), output: part(output),
        Workers(count: 2, control: .init()))
    }
    return comparison.result
  }

  @Test(arguments: [[0..<700], [0..<1, 1..<300, 300..<700], [0..<699, 699..<700]])
  func figuresAreThoseOfTheDefinitions(_ runs: [Range<Int>]) throws {
    let found = try Self.result(runs)
    let (reference, output, targets) = Self.logits()
    func logProbabilities(_ row: [Double]) -> [Double] {
      let top = row.max() ?? 0
      let total = top + log(row.reduce(0) { $0 + exp($1 - top) })
      return row.map { $0 - total }
    }
    var (divergences, losses, same) = ([Double](), [Double](), 0)
    for index in reference.indices {
      let (p, q) = (logProbabilities(reference[index]), logProbabilities(output[index]))
      divergences.append(zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) })
      losses.append(-q[Int(targets[index])])
      let best = p.indices.max { p[$0] < p[$1] }
      if best == q.indices.max(by: { q[$0] < q[$1] }) { same += 1 }
    }
    divergences.sort()
    let mean = divergences.reduce(0, +) / Double(Self.rows)
    let loss = losses.reduce(0, +) / Double(Self.rows)
    let spread = losses.reduce(0) { $0 + ($1 - loss) * ($1 - loss) } / Double(Self.rows - 1)
    #expect(abs(found.divergence.mean.value / mean - 1) < 1e-9)
    #expect(abs(found.divergence.max / divergences[Self.rows - 1] - 1) < 1e-9)
    let median = (divergences[19] + divergences[20]) / 2
    #expect(abs(found.divergence.median / median - 1) < 1e-9)
    #expect(found.sameTop.value == Double(same) / Double(Self.rows))
    #expect(abs(found.outputPerplexity.value / exp(loss) - 1) < 1e-9)
    let error = exp(loss) * (spread / Double(Self.rows)).squareRoot()
    #expect(abs((found.outputPerplexity.standardError ?? 0) / error - 1) < 1e-9)
  }

  @Test func equalLogitsDoNotDiverge() throws {
    let comparison = WordComparison(targets: [0, 1])
    let logits = Activations(rows: 2, width: 3, values: [1, 2, 3, -1, 0, 5])
    try comparison.add(
      0..<3, reference: logits, output: logits, Workers(count: 1, control: .init()))
    let result = comparison.result
    #expect(result.divergence.max == 0)
    #expect(result.sameTop.value == 1)
    #expect(result.checkpointPerplexity.value == result.outputPerplexity.value)
  }
}

/// Numbers of a fixed seed, about normal.
private struct SeededNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> Double {
    (0..<6).reduce(0) { sum, _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return sum + Double(state >> 40) / Double(1 << 24) - 0.5
    }
  }
}
