import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Plans the GGUF files of a checkpoint.
struct GGUFPlanner {
  let checkpoint: Checkpoint
  private let recipe: Recipe
  private let options: ConversionOptions
  private let importance: Importance?
  private let calibration: Calibration?
  private let outputName: String

  init(
    _ checkpoint: Checkpoint, recipe: Recipe, options: ConversionOptions,
    importance: Importance? = nil, calibration: Calibration? = nil, outputName: String
  ) {
    self.checkpoint = checkpoint
    self.recipe = recipe
    self.options = Self.completed(options, for: checkpoint)
    self.importance = importance
    self.calibration = calibration
    self.outputName = outputName
  }

  /// The options with the checkpoint's names, where they are not given.
  private static func completed(
    _ options: ConversionOptions, for checkpoint: Checkpoint
  ) -> ConversionOptions {
    guard options.origin == nil else { return options }
    // `.` and links have no names of their own.
    let path = (try? FileSystem.canonicalPath(checkpoint.folder)) ?? checkpoint.folder
    var options = options
    options.origin = ConversionOptions.Origin(
      folderName: path.split(separator: "/").last.map(String.init) ?? "model",
      repositoryID: checkpoint.repositoryID)
    return options
  }

  /// What a plan takes from the checkpoint before a recipe decides anything.
  struct Inputs: Sendable {
    let pool: FilePool
    let survey: ScaleSurvey
    let parameters: ModelParameters
    let map: TensorMap
    /// What rules see of the model as a whole.
    let model: TensorPlanner.Model
  }

  func inputs() throws(ConversionError) -> Inputs {
    if let problem = checkpoint.problems.first { throw .data(problem) }
    let pool = FilePool()
    do throws(CheckpointError) {
      let survey = try ScaleSurvey(checkpoint, pool: pool, nonFinite: options.nonFinite)
      let parameters = try ModelFamily.parameters(
        of: checkpoint, keepsDraft: options.draft == .keep)
      let map = try TensorMap(checkpoint: checkpoint, parameters: parameters)
      let model = TensorPlanner.Model(
        layerCount: parameters.bindings.integers["layers"] ?? 0,
        architecture: parameters.table.architecture,
        hasTiedHead: !map.tensors.contains { $0.role == .output && !$0.isDraft })
      return Inputs(pool: pool, survey: survey, parameters: parameters, map: map, model: model)
    } catch { throw .checkpoint(error) }
  }

  /// Decides single tensors by the rules of `recipe`.
  func tensorPlanner(_ inputs: Inputs, recipe: Recipe, importance: Importance?) -> TensorPlanner {
    TensorPlanner(
      checkpoint: checkpoint, survey: inputs.survey, recipe: recipe, importance: importance,
      calibration: calibration, model: inputs.model)
  }

  func plan() throws(ConversionError) -> ConversionPlan { try plan(inputs(), recipe: recipe) }

  /// - Parameter isForSizes: whether what the data decides may be left out; all but the plan's hash
  ///   and the second scales is right then.
  func plan(_ inputs: Inputs, recipe: Recipe, isForSizes: Bool = false) throws(ConversionError)
    -> ConversionPlan
  {
    let (parameters, map) = (inputs.parameters, inputs.map)
    let importance = isForSizes ? nil : importance
    var planner = tensorPlanner(inputs, recipe: recipe, importance: importance)
    let secondScales = SecondScaleSurvey(
      checkpoint: checkpoint, pool: inputs.pool, readsData: !isForSizes)
    var tensors: [PlannedTensor] = []
    var warnings = checkpoint.warnings
    if let warning = parameters.ropeScaling.warning { warnings.append(warning) }
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
        name: isDraft ? outputName + ".mtp" : outputName,
        splitMaxByteCount: options.splitMaxByteCount
      ).files()
      tensors += group
    }
    try Self.checkEveryRuleMatched(planner)
    warnings += Self.warnings(about: map.dropped)
    let names = Set(tensors.map { TensorName($0.name) })
    if let warning = try importance?.check(against: names) { warnings.append(warning) }
    let headerHashes = try sourceHeaderHashes(inputs.pool)
    return ConversionPlan(
      target: "gguf", outputName: outputName, recipe: recipe, options: options,
      checkpoint: checkpoint, importance: importance, calibration: calibration,
      architecture: parameters.table.architecture,
      tensors: tensors, files: files,
      dropped: map.dropped, warnings: warnings, sourceHeaderHashes: headerHashes,
      hash: PlanHash.hash(
        target: "gguf", options: options, importance: importance, calibration: calibration,
        checkpoint: checkpoint,
        sourceHeaderHashes: headerHashes, tensors: tensors, files: files))
  }

  private static func checkEveryRuleMatched(_ planner: TensorPlanner) throws(ConversionError) {
    guard let rule = planner.unmatchedRule() else { return }
    let match =
      switch rule.match {
      case .output(let pattern): pattern
      case .source(let pattern): "source:\(pattern)"
      case .role(let role): "role:\(role.rawValue)"
      }
    throw .recipe(
      RecipeError(
        recipe: planner.recipe.name,
        problem: "the rule \"\(match)\" matches no tensor of this model"))
  }

  /// Draft stages that cannot be kept are not lost in silence.
  private static func warnings(about dropped: [TensorMap.Dropped]) -> [String] {
    var reasons: [String: (count: Int, bytes: Int)] = [:]
    for tensor in dropped {
      reasons[tensor.reason, default: (0, 0)].count += 1
      reasons[tensor.reason, default: (0, 0)].bytes += tensor.byteCount
    }
    return reasons.sorted { $0.key < $1.key }.map {
      "\($0.value.count) source tensors of \($0.value.bytes) bytes are dropped: \($0.key)"
    }
  }

  private func sourceHeaderHashes(_ pool: FilePool) throws(ConversionError) -> [String] {
    var hashes: [String] = []
    for file in checkpoint.files {
      do throws(FileError) {
        var hash = IncrementalHash()
        hash.update(try pool.file(at: file.path).bytes(in: file.headerRange))
        hashes.append(hash.finish().hexadecimal)
      } catch { throw .file(error) }
    }
    return hashes
  }
}
