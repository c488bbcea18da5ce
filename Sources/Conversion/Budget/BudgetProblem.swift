import QuernCheckpoints
import QuernContainers

/// The choice that a budget leaves open, as bytes and errors of groups of tensors.
struct BudgetProblem {
  let limit: Int
  private let budget: Budget
  private let space: BudgetSpace
  private let problem: AllocationProblem
  /// For each group which of its choices those of the problem are.
  private let choices: [[Int]]
  private let signal: Double

  init(_ space: BudgetSpace, _ survey: ErrorSurvey, budget: Budget) {
    self.space = space
    self.budget = budget
    let size = { (tensor: PlannedTensor) -> Int in
      // NVFP4's second scales are a tensor of their own.
      let scales = 4 * tensor.scaleExponents.count
      guard case .byteCount = budget else { return tensor.byteCount + scales }
      return Self.padded(tensor.byteCount) + Self.padded(scales)
    }
    var groups: [[AllocationProblem.Choice]] = []
    var choices: [[Int]] = []
    for group in space.groups {
      var costs: [AllocationProblem.Choice] = []
      var usable: [Int] = []
      for (index, choice) in group.choices.enumerated() {
        var (byteCount, error) = (0, 0.0)
        for (member, position) in zip(group.members, choice) {
          byteCount += size(space.tensors[member].candidates[position].planned)
          error += survey.estimates[member].noise[position]
        }
        // The first choice is the source as it is, whatever its numbers.
        guard error.isFinite || index == 0 else { continue }
        costs.append(.init(byteCount: byteCount, error: error.isFinite ? error : 0))
        usable.append(index)
      }
      groups.append(costs)
      choices.append(usable)
    }
    problem = AllocationProblem(groups)
    self.choices = choices
    let fixed = space.tensors.filter { !$0.isOpen }.reduce(0) { $0 + size($1.base) }
    signal = space.groups.reduce(0) { sum, group in
      group.members.reduce(sum) { $0 + survey.estimates[$1].signal }
    }
    let elements = space.tensors.reduce(0) { $0 + $1.base.elementCount }
    limit =
      switch budget {
      case .byteCount(let count): max(0, count) - fixed
      case .bitsPerWeight(let bits): Budget.byteCount(bits, elements: elements) - fixed
      }
  }

  /// Bytes with what GGUF fills up to the next tensor.
  static func padded(_ byteCount: Int) -> Int {
    byteCount.dividedRoundingUp(by: GGUFHeader.defaultAlignment) * GGUFHeader.defaultAlignment
  }

  /// The choices of a recipe among those of the problem; nil where it makes others.
  private func start(_ recipe: Int) -> [Int]? {
    guard let wanted = space.choices(ofRecipe: recipe) else { return nil }
    let start = zip(wanted, choices).compactMap { wanted, usable in usable.firstIndex(of: wanted) }
    return start.count == wanted.count ? start : nil
  }

  /// - Returns: choices of the groups; nil when nothing fits.
  func solve(limit: Int) -> Allocation? {
    let starts = space.recipes.indices.compactMap(start)
    guard let found = AllocationSolver(problem, limit: limit).solve(starts: starts) else {
      return nil
    }
    return Allocation(
      choices: zip(found.choices, choices).map { $1[$0] }, byteCount: found.byteCount,
      error: found.error, bound: found.bound)
  }

  /// The smallest choice of each group.
  var smallest: [Int] { zip(problem.fronts, choices).map { $1[$0[0]] } }

  func result(_ plan: ConversionPlan, _ allocation: Allocation) -> BudgetPlan {
    BudgetPlan(
      plan: plan, budget: budget, noise: allocation.error, signal: signal,
      noiseBound: allocation.bound, tensorCount: space.groups.reduce(0) { $0 + $1.members.count })
  }
}
