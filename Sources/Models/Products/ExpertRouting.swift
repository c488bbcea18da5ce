/// Which experts each row goes to, and what their outputs count.
package struct ExpertRouting: Equatable, Sendable {
  package let usedCount: Int
  /// [rows, used].
  package let experts: [Int32]
  /// [rows, used].
  package let weights: [Float]

  package init(usedCount: Int, experts: [Int32], weights: [Float]) {
    (self.usedCount, self.experts, self.weights) = (usedCount, experts, weights)
  }

  /// For each expert the rows that go to it, in ascending order, with their weights.
  func byExpert(_ expertCount: Int) -> [[(row: Int, weight: Float)]] {
    var result = [[(row: Int, weight: Float)]](repeating: [], count: expertCount)
    for (index, expert) in experts.enumerated() {
      result[Int(expert)].append((index / usedCount, weights[index]))
    }
    return result
  }
}

extension ExpertRouting {
  /// The experts of each row.
  package var rows: [[Int32]] {
    stride(from: 0, to: experts.count, by: max(1, usedCount)).map {
      Array(experts[$0..<$0 + usedCount])
    }
  }
}
