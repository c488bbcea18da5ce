/// Solves an allocation problem to a tenth of a percent, or says how far the answer may be off.
///
/// The relaxation in which groups may mix two choices has a closed solution: walk the lower convex
/// hulls of all groups, the steepest step first, until the next one does not fit. Its slope is the
/// price of a byte, and least error at that price is a lower bound for every allocation. A search
/// over partial allocations, pruned by that bound, closes what is left.
package struct AllocationSolver: Sendable {
  /// The answer's error is at most 1/(1 − tolerance) times the least, where the search is complete.
  package static let tolerance = 0.001

  let problem: AllocationProblem
  let limit: Int

  package init(_ problem: AllocationProblem, limit: Int) {
    self.problem = problem
    self.limit = limit
  }

  /// - Parameter starts: allocations that the answer must not be worse than, those that fit.
  /// - Returns: nil when nothing fits.
  package func solve(starts: [[Int]] = []) -> Allocation? {
    guard problem.minimumByteCount <= limit else { return nil }
    let relaxation = Relaxation(problem, limit: limit)
    var best = filled(relaxation.choices)
    for start in starts {
      let allocation = problem.allocation(start)
      guard allocation.byteCount <= limit else { continue }
      let candidate = filled(start)
      if candidate.isBetter(than: best) { best = candidate }
    }
    var bound = relaxation.bound
    if best.error * (1 - Self.tolerance) > bound {
      let found = AllocationSearch(problem, limit: limit, relaxation: relaxation)
        .better(than: best.error * (1 - Self.tolerance))
      if let choices = found.choices {
        let candidate = filled(choices)
        if candidate.isBetter(than: best) { best = candidate }
      }
      if found.isComplete { bound = max(bound, best.error * (1 - Self.tolerance)) }
    }
    return problem.allocation(best.choices, bound: min(bound, best.error))
  }

  /// Spends the bytes that are left: time and again the single change that lowers the error most.
  private func filled(_ choices: [Int]) -> Allocation {
    var choices = choices
    var slack = limit - problem.allocation(choices).byteCount
    while let (group, choice) = largestGain(choices, slack: slack) {
      slack += problem.groups[group][choices[group]].byteCount
      slack -= problem.groups[group][choice].byteCount
      choices[group] = choice
    }
    return problem.allocation(choices)
  }

  private func largestGain(_ choices: [Int], slack: Int) -> (group: Int, choice: Int)? {
    var best: (group: Int, choice: Int)?
    var bestGain = 0.0
    for (group, front) in problem.fronts.enumerated() {
      let current = problem.groups[group][choices[group]]
      // The largest choice that fits has the least error of those that fit.
      let room = slack + current.byteCount
      let end = front.partitioningIndex { problem.groups[group][$0].byteCount > room }
      guard end > 0 else { continue }
      let gain = current.error - problem.groups[group][front[end - 1]].error
      if gain > bestGain { (best, bestGain) = ((group, front[end - 1]), gain) }
    }
    return best
  }
}

extension [Int] {
  /// The first position at which `isBehind` holds, where it holds for all further ones too.
  fileprivate func partitioningIndex(_ isBehind: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
