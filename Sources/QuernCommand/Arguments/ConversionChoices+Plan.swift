import Quern

extension ConversionChoices {
  /// What the options name.
  struct Inputs {
    let checkpoint: Checkpoint
    let recipe: Recipe?
    let importance: Importance?
    let calibration: Calibration?
    let options: ConversionOptions
  }

  /// A plan, and what a budget knows of it where one chose the types.
  struct ChosenPlan {
    let plan: ConversionPlan
    let budget: BudgetPlan?
  }

  /// Opens the checkpoint and plans its conversion; nothing is written.
  func choosePlan(outputName: String) throws -> ChosenPlan {
    let inputs = try inputs()
    guard let budget else {
      // Checked before: without a budget there is a recipe.
      let recipe = inputs.recipe ?? Recipe(name: "source", rules: [])
      let plan = try ConversionPlan(
        to,
        of:
          inputs.checkpoint, recipe: recipe, options: inputs.options,
        importance: inputs.importance, calibration: inputs.calibration, outputName: outputName)
      return ChosenPlan(plan: plan, budget: nil)
    }
    let planner = try planner(inputs, outputName: outputName, explores: false)
    let chosen = try planner.plan(budget, survey(planner))
    if chosen.losesNothing {
      Messages.note("the budget is as large as what loses nothing of the sampled rows")
    }
    return ChosenPlan(plan: chosen.plan, budget: chosen)
  }

  /// What the known recipes and some budgets make of the model.
  func explore(outputName: String) throws -> ExplorationReport {
    let inputs = try inputs()
    let planner = try planner(inputs, outputName: outputName, explores: true)
    let survey = try survey(planner)
    return ExplorationReport(
      checkpoint: inputs.checkpoint, imatrix: inputs.importance?.fileName,
      target: to.rawValue, surveyByteCount: planner.surveyByteCount,
      rows: try planner.tradeOffs(survey))
  }

  private func planner(_ inputs: Inputs, outputName: String, explores: Bool)
    throws(ConversionError) -> BudgetPlanner
  {
    try BudgetPlanner(
      inputs.checkpoint, base: inputs.recipe, options: inputs.options,
      importance: inputs.importance, calibration: inputs.calibration, outputName: outputName,
      explores: explores)
  }

  /// Measures, with progress on standard error. Nothing is to be cleaned up: a signal ends it at once.
  private func survey(_ planner: BudgetPlanner) throws(ConversionError) -> ErrorSurvey {
    let control = RunControl()
    let threadCount = threads.count
    let run: @Sendable () -> Result<ErrorSurvey, ConversionError> = {
      Result { () throws(ConversionError) in
        try planner.survey(threadCount: threadCount, control: control)
      }
    }
    let progress = Progress(control, totalByteCount: planner.surveyByteCount)
    return try (progress.watch(run) ?? run()).get()
  }
}
