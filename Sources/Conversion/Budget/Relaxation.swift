/// The solution of an allocation problem whose groups may mix two choices.
struct Relaxation {
  /// Error that one byte is worth: the slope of the first step that does not fit; 0 when all fit.
  let price: Double
  /// For each group its choice of least error + price · bytes.
  let choices: [Int]
  /// What an allocation within the limit has at least as error.
  let bound: Double

  /// A step from one choice on a group's hull to the next larger one.
  private struct Step {
    let group: Int
    /// Position of the larger choice in the group.
    let choice: Int
    let byteCount: Int
    /// Error saved per byte; it falls from step to step of a group.
    let slope: Double
  }

  /// - Parameter limit: at least the problem's minimum.
  init(_ problem: AllocationProblem, limit: Int) {
    var steps: [Step] = []
    for group in problem.groups.indices { steps += Self.steps(problem, group) }
    let order = steps.indices.sorted {
      steps[$0].slope != steps[$1].slope ? steps[$0].slope > steps[$1].slope : $0 < $1
    }
    var choices = problem.fronts.map { $0[0] }
    var room = limit - problem.minimumByteCount
    var price = 0.0
    for index in order {
      let step = steps[index]
      guard step.byteCount <= room else {
        price = step.slope
        break
      }
      room -= step.byteCount
      choices[step.group] = step.choice
    }
    self.choices = choices
    self.price = price
    // What is left of the room buys a part of the step that does not fit.
    bound = max(0, problem.allocation(choices).error - price * Double(room))
  }

  /// The lower convex hull of a group's choices as steps, the steepest first.
  private static func steps(_ problem: AllocationProblem, _ group: Int) -> [Step] {
    let choices = problem.groups[group]
    func slope(_ from: Int, _ to: Int) -> Double {
      (choices[from].error - choices[to].error)
        / Double(choices[to].byteCount - choices[from].byteCount)
    }
    var hull: [Int] = []
    for choice in problem.fronts[group] {
      while hull.count > 1,
        slope(hull[hull.count - 2], hull[hull.count - 1]) <= slope(hull[hull.count - 1], choice)
      {
        hull.removeLast()
      }
      hull.append(choice)
    }
    return zip(hull, hull.dropFirst()).map { from, to in
      Step(
        group: group, choice: to, byteCount: choices[to].byteCount - choices[from].byteCount,
        slope: slope(from, to))
    }
  }
}
