import QuernCheckpoints
import QuernQuantization

/// All that a budget may choose from: every tensor with its candidates, and which tensors share a
/// format.
struct BudgetSpace: Sendable {
  /// Tensors that get the same type and method.
  struct Group: Sendable {
    let members: [Int]
    /// For each choice the candidate of every member.
    let choices: [[Int]]
  }

  /// In the order of the checkpoint's map.
  let tensors: [BudgetTensor]
  let groups: [Group]
  /// What the known recipes make of every tensor, in the order of `recipes`.
  let recipes: [(recipe: Recipe, tensors: [PlannedTensor])]

  /// - Parameters:
  ///   - base: what it leaves in a format without blocks stays so, and its methods hold; nil where
  ///     all is open that any built-in recipe makes smaller.
  ///   - recipes: the recipes to compare with: what they assign is measured too.
  ///   - measuresAll: whether tensors that stay are measured in the formats of `recipes`.
  init(
    _ planner: GGUFPlanner, _ inputs: GGUFPlanner.Inputs, base: Recipe?, recipes: [Recipe],
    importance: Importance?, measuresAll: Bool
  ) throws(ConversionError) {
    let builder = try BudgetSpaceBuilder(
      planner, inputs, base: base, recipes: recipes, importance: importance)
    var tensors: [BudgetTensor] = []
    for index in inputs.map.tensors.indices {
      tensors.append(try builder.tensor(index, measuresAll: measuresAll))
    }
    self.tensors = tensors
    self.recipes = Array(zip(recipes, builder.planned))
    groups = Self.groups(tensors)
  }

  private static func groups(_ tensors: [BudgetTensor]) -> [Group] {
    var positions: [String: Int] = [:]
    var members: [[Int]] = []
    for (index, tensor) in tensors.enumerated() where tensor.isOpen {
      if let position = positions[tensor.fusionKey] {
        members[position].append(index)
      } else {
        positions[tensor.fusionKey] = members.count
        members.append([index])
      }
    }
    return members.map { Group(members: $0, choices: choices($0.map { tensors[$0].candidates })) }
  }

  /// The candidates that all members have.
  private static func choices(_ candidates: [[BudgetTensor.Candidate]]) -> [[Int]] {
    candidates[0].filter(\.isChoice).compactMap { wanted in
      let positions = candidates.compactMap { $0.firstIndex { $0.isSame(as: wanted) } }
      return positions.count == candidates.count ? positions : nil
    }
  }

  /// The choices that a known recipe makes; nil where it treats members of a group differently.
  func choices(ofRecipe recipe: Int) -> [Int]? {
    var result: [Int] = []
    for group in groups {
      let wanted = group.members.map { tensors[$0].position(of: recipes[recipe].tensors[$0]) }
      guard let choice = group.choices.firstIndex(where: { $0.map(Optional.some) == wanted }) else {
        return nil
      }
      result.append(choice)
    }
    return result
  }
}

/// Plans every tensor in every way that counts.
private struct BudgetSpaceBuilder {
  let planner: GGUFPlanner
  let inputs: GGUFPlanner.Inputs
  let base: Recipe?
  let recipes: [Recipe]
  /// For each recipe all tensors.
  let planned: [[PlannedTensor]]
  /// By the base, and with nothing lost.
  private let basePlanned: [PlannedTensor]
  private let lossless: [PlannedTensor]
  private let importance: Importance?

  init(
    _ planner: GGUFPlanner, _ inputs: GGUFPlanner.Inputs, base: Recipe?, recipes: [Recipe],
    importance: Importance?
  ) throws(ConversionError) {
    (self.planner, self.inputs, self.base, self.recipes) = (planner, inputs, base, recipes)
    self.importance = importance
    let nothing = Recipe(name: "source", rules: [])
    var plans: [[PlannedTensor]] = []
    for recipe in [nothing, base ?? nothing] + recipes {
      var tensorPlanner = planner.tensorPlanner(inputs, recipe: recipe, importance: nil)
      var tensors: [PlannedTensor] = []
      for tensor in inputs.map.tensors { tensors.append(try tensorPlanner.plan(tensor)) }
      plans.append(tensors)
    }
    lossless = plans[0]
    basePlanned = plans[1]
    planned = Array(plans[2...])
  }

  func tensor(_ index: Int, measuresAll: Bool) throws(ConversionError) -> BudgetTensor {
    let isOpen =
      base == nil
      ? planned.contains { isSmaller($0[index], index) } : isSmaller(basePlanned[index], index)
    let stays = BudgetTensor(base: basePlanned[index], isOpen: false, candidates: [])
    guard isOpen || measuresAll && planned.contains(where: { isSmaller($0[index], index) }) else {
      return stays
    }
    var tensor = isOpen ? lossless[index] : basePlanned[index]
    tensor.importance = try importance?.facts(
      tensor.name, rowLength: tensor.rowLength, expertCount: tensor.expertCount)
    var candidates = try candidates(index, isOpen: isOpen)
    for position in candidates.indices where candidates[position].planned.method.isWeighted {
      candidates[position].planned.importance = tensor.importance
    }
    return BudgetTensor(base: tensor, isOpen: isOpen, candidates: candidates)
  }

  /// Whether a recipe stores a tensor in blocks that it has not by itself, or would if its rows
  /// allowed it.
  private func isSmaller(_ tensor: PlannedTensor, _ index: Int) -> Bool {
    tensor.fallbackFrom != nil
      || tensor.storage.groupElements(rowLength: tensor.rowLength) > 1
        && tensor.storage != lossless[index].storage
  }

  private func candidates(_ index: Int, isOpen: Bool) throws(ConversionError)
    -> [BudgetTensor.Candidate]
  {
    let tensor = inputs.map.tensors[index]
    var choices: [(type: Recipe.TargetType, method: Recipe.Method, isChoice: Bool)] = [
      (.source, .auto, true)
    ]
    if isOpen {
      let method = base.flatMap { rule($0, tensor)?.method } ?? .auto
      choices += NumberFormat.allCases.filter {
        $0.blockElements > 1 && $0.divides(rowLength: tensor.shape.last ?? 1)
      }.map { (.format($0), method, true) }
    }
    for (recipe, tensors) in zip(recipes, planned) {
      guard let format = tensors[index].storage.numberFormat else { continue }
      let isChoice = base == nil || recipe.rules == base?.rules
      choices.append(
        (.format(format), rule(recipe, tensor)?.method ?? .auto, isChoice))
    }
    var candidates: [BudgetTensor.Candidate] = []
    for choice in choices {
      let next = try candidate(tensor, choice.type, choice.method, isChoice: choice.isChoice)
      let known = candidates.firstIndex {
        $0.planned.storage == next.planned.storage && $0.planned.method == next.planned.method
      }
      guard let known else {
        candidates.append(next)
        continue
      }
      if next.isChoice, !candidates[known].isChoice { candidates[known] = next }
    }
    return candidates
  }

  private func rule(_ recipe: Recipe, _ tensor: MappedTensor) -> Recipe.Rule? {
    var tensorPlanner = planner.tensorPlanner(inputs, recipe: recipe, importance: nil)
    return tensorPlanner.rule(for: tensor)
  }

  private func candidate(
    _ tensor: MappedTensor, _ type: Recipe.TargetType, _ method: Recipe.Method, isChoice: Bool
  ) throws(ConversionError) -> BudgetTensor.Candidate {
    let ordersByActivation =
      method == .gptq ? base.flatMap { self.rule($0, tensor) }?.ordersByActivation ?? false : false
    let only = Recipe.Rule(
      match: .output("*"), type: type, method: method, layers: nil,
      ordersByActivation: ordersByActivation, isOptional: true)
    let recipe = Recipe(name: base?.name ?? "budget", rules: [only])
    var tensorPlanner = planner.tensorPlanner(inputs, recipe: recipe, importance: nil)
    let scales = SecondScaleSurvey(
      checkpoint: planner.checkpoint, pool: inputs.pool, readsData: false)
    let planned = try tensorPlanner.withSecondScale(try tensorPlanner.plan(tensor), scales)
    return BudgetTensor.Candidate(
      type: type, method: method, ordersByActivation: ordersByActivation, planned: planned[0],
      isChoice: isChoice)
  }
}
