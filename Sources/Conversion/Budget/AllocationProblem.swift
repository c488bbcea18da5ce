/// A choice for every group of tensors, so that the sum of errors is least and the sum of bytes
/// within a limit: a multiple-choice knapsack.
package struct AllocationProblem: Sendable {
  /// What one format costs a group.
  package struct Choice: Hashable, Sendable {
    /// ≥ 0; the sum of the largest of all groups fits `Int`.
    package let byteCount: Int
    /// Finite and ≥ 0.
    package let error: Double

    package init(byteCount: Int, error: Double) {
      self.byteCount = byteCount
      self.error = error
    }
  }

  /// The choices of each group, at least one.
  package let groups: [[Choice]]
  /// The choices that no other one of the group beats in both, the smallest first: positions in the
  /// group.
  let fronts: [[Int]]

  package init(_ groups: [[Choice]]) {
    self.groups = groups
    fronts = groups.map(Self.front)
  }

  /// The least number of bytes that any allocation takes.
  package var minimumByteCount: Int {
    groups.indices.reduce(0) { $0 + groups[$1][fronts[$1][0]].byteCount }
  }

  /// An allocation with its sums; `choices` holds a position for each group.
  package func allocation(_ choices: [Int], bound: Double = 0) -> Allocation {
    var (byteCount, error) = (0, 0.0)
    for (group, choice) in choices.enumerated() {
      byteCount += groups[group][choice].byteCount
      error += groups[group][choice].error
    }
    return Allocation(choices: choices, byteCount: byteCount, error: error, bound: bound)
  }

  private static func front(_ choices: [Choice]) -> [Int] {
    let order = choices.indices.sorted {
      let (left, right) = (choices[$0], choices[$1])
      return (left.byteCount, left.error, $0) < (right.byteCount, right.error, $1)
    }
    var front: [Int] = []
    for index in order {
      if let last = front.last, choices[index].error >= choices[last].error { continue }
      front.append(index)
    }
    return front
  }
}

/// One choice for each group of a problem.
package struct Allocation: Equatable, Sendable {
  package let choices: [Int]
  package let byteCount: Int
  package let error: Double
  /// No allocation within the limit has a smaller error.
  package let bound: Double

  /// The better one: less error, then fewer bytes.
  func isBetter(than other: Allocation) -> Bool {
    (error, byteCount) < (other.error, other.byteCount)
  }
}
