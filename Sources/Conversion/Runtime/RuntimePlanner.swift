import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Plans the folder that a runtime loads: every tensor under the name that it looks for, integers in
/// its layout, and the small files beside them.
struct RuntimePlanner {
  private let request: PlanRequest
  private var checkpoint: Checkpoint { request.checkpoint }

  /// As large as msModelSlim makes files.
  private static let fileByteCount = 4 << 30

  init(_ request: PlanRequest) { self.request = request }

  func plan() throws(ConversionError) -> ConversionPlan {
    try request.checkCheckpoint()
    let pool = FilePool()
    let (survey, map, model) = try inputs(pool)
    let names = inputNames(map)
    let importance = request.importance?.named(by: names)
    var planner = TensorPlanner(
      checkpoint: checkpoint, survey: survey, recipe: request.recipe,
      importance: importance, calibration: request.calibration?.named(by: names), model: model)
    var rotations = try rotations(map, model, pool)
    var planned: [(tensor: PlannedTensor, module: RuntimeModule?)] = []
    for tensor in map.tensors {
      let rotation = try rotations?.rotation(of: tensor)
      var target = try planner.plan(
        tensor.mapped, module: tensor.module, rotation: rotation?.turn)
      if case .ones = rotation { target = target.ones }
      planned.append((target, tensor.module))
      planned += target.constants.map { ($0, nil) }
    }
    try PlanRequest.checkEveryRuleMatched(planner)
    try checkFusions(planned)
    try checkBiases(planned.map(\.tensor))
    let tensors = planned.map(\.tensor)
    let target = request.target
    let weights = try SafetensorsLayout(
      tensors: tensors, notes: request.options.rotates ? [Checkpoint.rotationNote] : [],
      name: { RuntimeFolder.weightName(target, number: $0, count: $1) },
      maximumByteCount: request.options.splitMaxByteCount ?? Self.fileByteCount
    ).files()
    let folder = RuntimeFolder(request: request, tensors: tensors, weightFiles: weights)
    let relaid = request.options.relayout == nil ? [] : try RelaidWeights(tensors).files()
    return ConversionPlan(
      request, recipe: request.recipe, importance: importance,
      architecture: model.architecture, tensors: tensors,
      files: weights + relaid + (try folder.files()),
      dropped: map.dropped, warnings: try warnings(map, tensors, importance),
      sourceHeaderHashes: try request.sourceHeaderHashes(pool))
  }

  /// The map of the family's table; for compressed-tensors, of any folder at all.
  private func inputs(_ pool: FilePool) throws(ConversionError) -> (
    ScaleSurvey, RuntimeMap, TensorPlanner.Model
  ) {
    do throws(CheckpointError) {
      let survey = try ScaleSurvey(checkpoint, pool: pool, nonFinite: request.options.nonFinite)
      if request.target == .compressedTensors, !ModelFamily.knows(checkpoint) {
        let model = TensorPlanner.Model(
          layerCount: 0, architecture: "unknown", hasTiedHead: false,
          runtime: request.target.runtime)
        return (survey, RuntimeMap.withoutTable(checkpoint), model)
      }
      let parameters = try ModelFamily.parameters(
        of: checkpoint, keepsDraft: request.options.draft == .keep)
      let map = try RuntimeMap(checkpoint: checkpoint, parameters: parameters)
      let model = TensorPlanner.Model(
        layerCount: parameters.bindings.integers["layers"] ?? 0,
        architecture: parameters.table.architecture,
        hasTiedHead: !map.tensors.contains { $0.role == .output && !$0.isDraft },
        runtime: request.target.runtime, relayout: request.options.relayout)
      return (survey, map, model)
    } catch { throw .checkpoint(error) }
  }

  /// Nil where nothing is rotated.
  private func rotations(_ map: RuntimeMap, _ model: TensorPlanner.Model, _ pool: FilePool)
    throws(ConversionError) -> RotationPlanner?
  {
    guard request.options.rotates else { return nil }
    return try RotationPlanner(request, map: map, hasTiedHead: model.hasTiedHead, pool: pool)
  }

  private func checkFusions(_ planned: [(tensor: PlannedTensor, module: RuntimeModule?)])
    throws(ConversionError)
  {
    if let types = RuntimeLimits.disagreement(among: planned) {
      throw refusal(
        "\(types.first.name) is \(types.first.storage.word), \(types.other.name) is "
          + "\(types.other.storage.word): the runtime builds \(types.module) of both and refuses "
          + "different types")
    }
    if let inputs = RuntimeLimits.inputDisagreement(among: planned) {
      throw refusal(
        "\(inputs.first.name) and \(inputs.other.name) have different ranges of inputs: the runtime "
          + "builds \(inputs.module) of both, with one scale for its inputs")
    }
  }

  private func refusal(_ problem: String) -> ConversionError {
    .recipe(RecipeError(recipe: request.recipe.name, problem: problem))
  }

  /// vllm-ascend adds `quant_bias` to a statically quantized product, and the layer's own bias not at
  /// all: the model would run without it.
  private func checkBiases(_ tensors: [PlannedTensor]) throws(ConversionError) {
    let names = Set(tensors.map(\.name))
    for tensor in tensors {
      guard let format = tensor.storage.integerFormat, format.activations == .fixed else {
        continue
      }
      let bias = tensor.name.dropLast("weight".count) + "bias"
      guard names.contains(String(bias)) else { continue }
      throw refusal(
        "\(tensor.name): \(format.word) is asked for, but vllm-ascend does not add \(bias) to "
          + "products of static W8A8: use w8a8_dynamic")
    }
  }

  /// What GGUF calls the tensors; nothing where that is not known, or not asked for.
  private func inputNames(_ map: RuntimeMap) -> InputNames {
    guard request.importance != nil || request.calibration != nil,
      let parameters = try? ModelFamily.parameters(
        of: checkpoint, keepsDraft: request.options.draft == .keep),
      let canonical = try? TensorMap(checkpoint: checkpoint, parameters: parameters)
    else { return InputNames() }
    return InputNames(of: map.tensors, by: canonical.tensors)
  }

  private func warnings(
    _ map: RuntimeMap, _ tensors: [PlannedTensor], _ importance: Importance?
  ) throws(ConversionError) -> [String] {
    var warnings = checkpoint.warnings + PlanRequest.warnings(about: map.dropped)
    let names = Set(tensors.map { TensorName($0.name) })
    if let warning = RotationPlanner.warning(tensors) { warnings.append(warning) }
    if let warning = try importance?.check(against: names) { warnings.append(warning) }
    return warnings
  }
}

extension RuntimeTensor {
  /// The same as any output tensor.
  fileprivate var mapped: MappedTensor {
    MappedTensor(
      name: name, role: role, shape: shape, expression: expression, isInteger: isInteger,
      isDraft: isDraft)
  }
}

extension PlannedTensor {
  /// The weights of a norm that other tensors have taken.
  fileprivate var ones: PlannedTensor {
    PlannedTensor(
      name: name, role: role, shape: shape, storage: storage, parts: parts, method: .cast,
      expectation: .exact, fallbackFrom: nil, sourceEncodings: ["rotation"], sourceByteCount: 0,
      grid: grid, expression: .values(Array(repeating: 1, count: elementCount)))
  }

  /// The tensors of a few numbers that a matrix of integers needs beside its parts.
  fileprivate var constants: [PlannedTensor] {
    guard let format = storage.integerFormat else { return [] }
    let stem = String(name.dropLast("weight".count))
    if let activation {
      return [
        constant(stem + "input_scale", [activation.scale], .f32, format),
        constant(stem + "input_offset", [Float(activation.offset)], .f32, format),
      ]
    }
    guard format.storage.packing == .words else { return [] }
    return [constant(stem + "weight_shape", shape.dimensions.map { Float($0) }, .i32, format)]
  }

  private func constant(
    _ name: String, _ values: [Float], _ type: NumberFormat, _ owner: IntegerFormat
  ) -> PlannedTensor {
    let shape = Shape([values.count])
    return PlannedTensor(
      name: name, role: .weightScale, shape: shape, storage: .numbers(type),
      parts: [.numbers(name, shape, type)], method: .cast, expectation: .exact, fallbackFrom: nil,
      sourceEncodings: ["plan"], sourceByteCount: 0,
      grid: ChunkGrid(parts: 1, rowsPerPart: values.count, sourceRowByteCount: 4, granule: 1),
      expression: .values(values), ofMatrix: owner)
  }
}
