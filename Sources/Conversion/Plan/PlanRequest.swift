import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernTensors

/// What is to be planned, and what the plans of all targets have in common.
struct PlanRequest: Sendable {
  let target: ConversionTarget
  let checkpoint: Checkpoint
  let recipe: Recipe
  let options: ConversionOptions
  let importance: Importance?
  let calibration: Calibration?
  let outputName: String

  init(
    _ target: ConversionTarget, of checkpoint: Checkpoint, recipe: Recipe,
    options: ConversionOptions, importance: Importance? = nil, calibration: Calibration? = nil,
    outputName: String
  ) {
    self.target = target
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

  /// Refuses a checkpoint that has problems.
  func checkCheckpoint() throws(ConversionError) {
    if let problem = checkpoint.problems.first { throw .data(problem) }
  }

  static func checkEveryRuleMatched(_ planner: TensorPlanner) throws(ConversionError) {
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
  static func warnings(about dropped: [TensorMap.Dropped]) -> [String] {
    var reasons: [String: (count: Int, bytes: Int)] = [:]
    for tensor in dropped {
      reasons[tensor.reason, default: (0, 0)].count += 1
      reasons[tensor.reason, default: (0, 0)].bytes += tensor.byteCount
    }
    return reasons.sorted { $0.key < $1.key }.map {
      "\($0.value.count) source tensors of \($0.value.bytes) bytes are dropped: \($0.key)"
    }
  }

  func sourceHeaderHashes(_ pool: FilePool) throws(ConversionError) -> [String] {
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
