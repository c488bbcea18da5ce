import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Plans the GGUF files of a checkpoint.
struct GGUFPlanner {
  private let request: PlanRequest
  var checkpoint: Checkpoint { request.checkpoint }
  private var options: ConversionOptions { request.options }

  init(_ request: PlanRequest) { self.request = request }

  /// What a plan takes from the checkpoint before a recipe decides anything.
  struct Inputs: Sendable {
    let pool: FilePool
    let survey: ScaleSurvey
    let parameters: ModelParameters
    let map: TensorMap
    /// What rules see of the model as a whole.
    let model: TensorPlanner.Model
    /// What the runtime does otherwise than the model's config says.
    let limitWarnings: [String]
  }

  func inputs() throws(ConversionError) -> Inputs {
    try request.checkCheckpoint()
    let pool = FilePool()
    do throws(CheckpointError) {
      let survey = try ScaleSurvey(checkpoint, pool: pool, nonFinite: options.nonFinite)
      let parameters = try ModelFamily.parameters(
        of: checkpoint, keepsDraft: options.draft == .keep)
      let limitWarnings: [String]
      do throws(InputProblem) {
        limitWarnings = try parameters.checkLimits(config: checkpoint.config)
      } catch { throw .problem(error) }
      let map = try TensorMap(checkpoint: checkpoint, parameters: parameters)
      let model = TensorPlanner.Model(
        layerCount: parameters.bindings.integers["layers"] ?? 0,
        architecture: parameters.table.architecture,
        hasTiedHead: !map.tensors.contains { $0.role == .output && !$0.isDraft })
      return Inputs(
        pool: pool, survey: survey, parameters: parameters, map: map, model: model,
        limitWarnings: limitWarnings)
    } catch { throw .checkpoint(error) }
  }

  /// Decides single tensors by the rules of `recipe`.
  func tensorPlanner(_ inputs: Inputs, recipe: Recipe, importance: Importance?) -> TensorPlanner {
    TensorPlanner(
      checkpoint: checkpoint, survey: inputs.survey, recipe: recipe, importance: importance,
      calibration: request.calibration, model: inputs.model)
  }

  func plan() throws(ConversionError) -> ConversionPlan {
    try plan(inputs(), recipe: request.recipe)
  }

  /// - Parameter isForSizes: whether what the data decides may be left out; all but the plan's hash
  ///   and the second scales is right then.
  func plan(_ inputs: Inputs, recipe: Recipe, isForSizes: Bool = false) throws(ConversionError)
    -> ConversionPlan
  {
    let (parameters, map) = (inputs.parameters, inputs.map)
    let importance = isForSizes ? nil : request.importance
    var planner = tensorPlanner(inputs, recipe: recipe, importance: importance)
    let secondScales = SecondScaleSurvey(
      checkpoint: checkpoint, pool: inputs.pool, readsData: !isForSizes)
    var tensors: [PlannedTensor] = []
    var warnings = checkpoint.warnings
    if let warning = parameters.ropeScaling.warning { warnings.append(warning) }
    warnings += inputs.limitWarnings
    var files: [PlannedFile] = []
    for isDraft in [false, true] {
      var group: [PlannedTensor] = []
      for tensor in map.tensors where tensor.isDraft == isDraft {
        group += try planner.withSecondScale(try planner.plan(tensor), secondScales)
      }
      if group.isEmpty { continue }
      let metadata = GGUFMetadata(
        checkpoint: checkpoint, parameters: parameters, options: options, isDraft: isDraft)
      let (keyValues, notes) = try metadata.keyValues(for: group)
      if !isDraft { warnings += notes }
      files += try GGUFLayout(
        keyValues: keyValues, tensors: group, firstTensor: tensors.count,
        name: isDraft ? request.outputName + ".mtp" : request.outputName,
        splitMaxByteCount: options.splitMaxByteCount
      ).files()
      tensors += group
    }
    try PlanRequest.checkEveryRuleMatched(planner)
    warnings += PlanRequest.warnings(about: map.dropped)
    let names = Set(tensors.map { TensorName($0.name) })
    if let warning = try importance?.check(against: names) { warnings.append(warning) }
    let headerHashes = try request.sourceHeaderHashes(inputs.pool)
    return ConversionPlan(
      request, recipe: recipe, importance: importance,
      architecture: parameters.table.architecture, tensors: tensors, files: files,
      dropped: map.dropped, warnings: warnings, sourceHeaderHashes: headerHashes)
  }
}
