import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// Chooses the number format of every tensor so that the sum of squared errors, each weighted by its
/// importance, is least within a budget.
///
/// The choice is a recipe of one rule for each tensor. Plan and certificate hold it like any other, so
/// that a verifier needs no survey.
public struct BudgetPlanner: Sendable {
  private let planner: GGUFPlanner
  private let inputs: GGUFPlanner.Inputs
  private let checkpoint: Checkpoint
  private let base: Recipe?
  private let importance: Importance?
  let space: BudgetSpace

  /// - Parameters:
  ///   - base: what it leaves in a format without blocks stays as it has it, and its methods hold;
  ///     nil where all is open that any built-in recipe makes smaller.
  ///   - explores: whether `tradeOffs` will be asked for, which measures more.
  /// - Throws: `ConversionError` for a checkpoint that cannot be converted.
  public init(
    _ checkpoint: Checkpoint, base: Recipe?, options: ConversionOptions,
    importance: Importance? = nil, calibration: Calibration? = nil, outputName: String,
    explores: Bool = false
  ) throws(ConversionError) {
    self.checkpoint = checkpoint
    self.base = base
    self.importance = importance
    var recipes: [Recipe] = []
    for builtIn in Recipe.builtIns(target: .gguf) {
      recipes.append(try Recipe.load(builtIn.name, target: .gguf))
    }
    if let base, !recipes.contains(where: { $0.rules == base.rules }) { recipes.append(base) }
    planner = GGUFPlanner(
      PlanRequest(
        .gguf, of: checkpoint, recipe: base ?? Recipe(name: "budget", rules: []),
        options: options, importance: importance, calibration: calibration, outputName: outputName))
    inputs = try planner.inputs()
    space = try BudgetSpace(
      planner, inputs, base: base, recipes: recipes, importance: importance,
      measuresAll: explores)
    guard explores || !space.groups.isEmpty else {
      throw .recipe(
        RecipeError(
          recipe: base?.name ?? "budget",
          problem: "leaves every tensor of this model alone: there is nothing to choose"))
    }
  }

  /// Source bytes that a survey reads.
  public var surveyByteCount: Int { ErrorSurvey.byteCount(space.tensors, checkpoint: checkpoint) }

  /// Measures what each format costs each tensor.
  public func survey(threadCount: Int, control: RunControl = RunControl())
    throws(ConversionError) -> ErrorSurvey
  {
    try ErrorSurvey.run(
      space.tensors, checkpoint: checkpoint, importance: importance, threadCount: threadCount,
      control: control)
  }

  /// Plans within a budget.
  ///
  /// - Throws: `ConversionError.data` naming the smallest size there is, when the budget is below it.
  public func plan(_ budget: Budget, _ survey: ErrorSurvey) throws(ConversionError) -> BudgetPlan {
    if let plan = try planned(budget, survey) { return plan }
    throw try tooSmall(budget, BudgetProblem(space, survey, budget: budget))
  }

  /// The plan within a budget, or nil when it is too small.
  func planned(_ budget: Budget, _ survey: ErrorSurvey) throws(ConversionError) -> BudgetPlan? {
    let problem = BudgetProblem(space, survey, budget: budget)
    var limit = problem.limit
    // What a plan adds to the tensors (headers, parts) is known when it is made.
    while let allocation = problem.solve(limit: limit) {
      let recipe = recipe(allocation.choices, name: budget.recipeName)
      let excess = budget.excess(of: try sizes(of: recipe))
      if excess <= 0 {
        return problem.result(try planner.plan(inputs, recipe: recipe), allocation)
      }
      limit -= excess
    }
    return nil
  }

  /// The plan of a recipe, as far as sizes go.
  func sizes(of recipe: Recipe) throws(ConversionError) -> ConversionPlan {
    try planner.plan(inputs, recipe: recipe, isForSizes: true)
  }

  /// A rule for each tensor that is open, in front of those of the base.
  private func recipe(_ choices: [Int], name: String) -> Recipe {
    var rules: [String: Recipe.Rule] = [:]
    for (group, choice) in zip(space.groups, choices) {
      for (member, position) in zip(group.members, group.choices[choice]) {
        let tensor = space.tensors[member]
        let candidate = tensor.candidates[position]
        rules[tensor.base.name] = Recipe.Rule(
          match: .output(tensor.base.name), type: candidate.type, method: candidate.method,
          layers: nil, ordersByActivation: candidate.ordersByActivation, isOptional: false)
      }
    }
    let own = space.tensors.compactMap { rules.removeValue(forKey: $0.base.name) }
    return Recipe(name: name, rules: own + (base?.rules ?? []))
  }

  private func tooSmall(_ budget: Budget, _ problem: BudgetProblem) throws(ConversionError)
    -> ConversionError
  {
    let plan = try sizes(of: recipe(problem.smallest, name: budget.recipeName))
    let (found, least) =
      switch budget {
      case .bitsPerWeight(let bits):
        ("\(bits) bits per weight", "\(plan.bitsPerWeight) bits per weight")
      case .byteCount(let count): ("\(count) bytes", "\(plan.outputByteCount) bytes")
      }
    return .data(
      InputProblem(
        file: checkpoint.folder, field: "size to reach", found: found,
        expected: "at least \(least), the smallest that the formats of the target reach"))
  }
}
