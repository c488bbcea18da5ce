/// Searches for an allocation that is better than a known one, group by group.
///
/// A state is what the groups so far take: bytes and error. One that takes more of both than another
/// is dropped, and so is one whose bound (its own error and bytes, the rest at the price of the
/// relaxation) is not below what is to be beaten. Every state also gives a whole allocation, the
/// rest chosen at that price, where it fits.
struct AllocationSearch {
  private let problem: AllocationProblem
  private let limit: Int
  private let price: Double
  /// Groups that are most open first: those behind them are settled by the bound.
  private let order: [Int]
  /// The choice of each group at the price.
  private let priced: [Int]
  /// What the groups behind a position of `order` take, at the price and at least.
  private let rest: [Rest]

  /// States in all. Where a problem has more, the best of each run of sizes are kept, and the answer
  /// is good but not proved.
  private static let stateLimit = 3_000_000

  private struct Rest {
    var byteCount = 0
    var error = 0.0
    var minimumByteCount = 0
    /// Least error + price · bytes.
    var cost = 0.0
  }

  private struct State {
    let byteCount: Int
    let error: Double
    /// Position in the states before, and the choice that led here.
    let parent: Int
    let choice: Int
  }

  init(_ problem: AllocationProblem, limit: Int, relaxation: Relaxation) {
    self.problem = problem
    self.limit = limit
    let price = relaxation.price
    self.price = price
    priced = relaxation.choices
    func cost(_ group: Int, _ choice: Int) -> Double {
      let choice = problem.groups[group][choice]
      return choice.error + price * Double(choice.byteCount)
    }
    // What the second best choice of a group costs more: little where the group is open.
    let margins = problem.groups.indices.map { group in
      problem.fronts[group].filter { $0 != relaxation.choices[group] }
        .map { cost(group, $0) - cost(group, relaxation.choices[group]) }.min() ?? .infinity
    }
    order = margins.indices.sorted { (margins[$0], $0) < (margins[$1], $1) }
    var rest = [Rest()]
    for group in order.reversed() {
      var sums = rest[rest.count - 1]
      let choice = problem.groups[group][relaxation.choices[group]]
      sums.byteCount += choice.byteCount
      sums.error += choice.error
      sums.minimumByteCount += problem.groups[group][problem.fronts[group][0]].byteCount
      sums.cost += problem.fronts[group].map { cost(group, $0) }.min() ?? 0
      rest.append(sums)
    }
    self.rest = rest.reversed()
  }

  /// What a search found.
  struct Result {
    /// The best allocation with an error below what was to be beaten; nil where there is none.
    let choices: [Int]?
    /// Whether no other allocation is better by more than the solver's tolerance.
    let isComplete: Bool
  }

  /// Searches for an allocation with an error below `error`.
  func better(than error: Double) -> Result {
    var isComplete = true
    var layers: [[State]] = [[State(byteCount: 0, error: 0, parent: 0, choice: 0)]]
    var target = error
    var best: (layer: Int, state: Int)?
    let width = max(1024, Self.stateLimit / max(1, order.count))
    for (position, group) in order.enumerated() {
      let rest = rest[position + 1]
      var states = undominated(
        successors(of: layers[position], group: group, rest, target: target))
      if states.count > width {
        states = thinned(states, to: width)
        isComplete = false
      }
      for (index, state) in states.enumerated()
      where state.byteCount + rest.byteCount <= limit && state.error + rest.error < target {
        target = (state.error + rest.error) * (1 - AllocationSolver.tolerance)
        best = (position + 1, index)
      }
      layers.append(states)
      if states.isEmpty { break }
    }
    return Result(
      choices: best.map { choices(layers, layer: $0.layer, state: $0.state) },
      isComplete: isComplete)
  }

  private func successors(of states: [State], group: Int, _ rest: Rest, target: Double) -> [State] {
    let (choices, front) = (problem.groups[group], problem.fronts[group])
    var result: [State] = []
    for (index, state) in states.enumerated() {
      for choice in front {
        let byteCount = state.byteCount + choices[choice].byteCount
        if byteCount + rest.minimumByteCount > limit { break }
        let error = state.error + choices[choice].error
        let bound = error + rest.cost - price * Double(limit - byteCount)
        // The rest at the price may need more than the limit leaves: then the bound is below it.
        guard bound < target, error < target else { continue }
        result.append(State(byteCount: byteCount, error: error, parent: index, choice: choice))
      }
    }
    return result
  }

  private func undominated(_ states: [State]) -> [State] {
    let order = states.indices.sorted {
      (states[$0].byteCount, states[$0].error, $0) < (states[$1].byteCount, states[$1].error, $1)
    }
    var result: [State] = []
    for index in order {
      if let last = result.last, states[index].error >= last.error { continue }
      result.append(states[index])
    }
    return result
  }

  /// The state of least cost in each of `width` runs of about equally many.
  private func thinned(_ states: [State], to width: Int) -> [State] {
    func cost(_ state: State) -> Double { state.error + price * Double(state.byteCount) }
    return (0..<width).compactMap { run in
      states[(run * states.count / width)..<((run + 1) * states.count / width)].min {
        cost($0) < cost($1)
      }
    }
  }

  /// The choices that led to a state, and those at the price for the rest.
  private func choices(_ layers: [[State]], layer: Int, state: Int) -> [Int] {
    var result = priced
    var state = state
    for position in stride(from: layer, to: 0, by: -1) {
      let step = layers[position][state]
      result[order[position - 1]] = step.choice
      state = step.parent
    }
    return result
  }
}
