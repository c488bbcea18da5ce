import QuernCheckpoints
import QuernQuantization
import QuernTensors

/// Matrices of integers for runtimes.
extension TensorPlanner {
  func integers(
    _ tensor: MappedTensor, _ module: RuntimeModule?, _ format: IntegerFormat,
    _ rule: Recipe.Rule?, _ rotation: TensorRotation?
  ) throws(ConversionError) -> PlannedTensor {
    let sources = tensor.expression.sources.map { checkpoint.tensors[$0.tensor] }
    let shape = Shape(tensor.shape)
    if let problem = RuntimeLimits.problem(format, module, shape) {
      throw .recipe(RecipeError(recipe: recipe.name, problem: "\(tensor.name): \(problem)"))
    }
    let method = try searchMethod(
      rule, tensor, sources: sources, reference: .absmax, isRotated: rotation != nil)
    let importance = try importance(tensor, method: method)
    let relaid = model.relayout == nil ? nil : StoredPart.fractalNZ(tensor.name, shape, format)
    let parts = StoredPart.integers(tensor.name, shape, format, module) + [relaid].compactMap { $0 }
    return PlannedTensor(
      name: tensor.name, role: tensor.role, shape: shape, storage: .integers(format),
      parts: parts, method: method,
      expectation: expectation(tensor, format, method), fallbackFrom: nil,
      sourceEncodings: encodings(sources), sourceByteCount: sourceByteCount(tensor.expression),
      grid: grid(
        tensor, sources: sources,
        rowGranule: max(parts.map(\.rowsPerUnit).max() ?? 1, rotation?.rowGranule ?? 1)),
      expression: tensor.expression, importance: importance,
      activation: try activation(tensor, format), rotation: rotation)
  }

  /// Eight bits hold the elements of a row or group exactly where their scales are at most 3 powers of
  /// two apart.
  private func expectation(
    _ tensor: MappedTensor, _ format: IntegerFormat, _ method: PlannedTensor.Method
  ) -> Exactness {
    guard method == .gridAware, format.storage.bits == .eight else { return .measured }
    let spreads = tensor.expression.sources.map { survey.spreads[$0.tensor] }
    if spreads.allSatisfy({ $0.map { $0.width <= 3 } ?? false }) { return .exact }
    let unit = format.storage.groupElements == nil ? "row" : "group"
    return .exactIf("the scales of every \(unit) are at most 3 powers of two apart")
  }

  /// How inputs are quantized, for formats that fix it.
  private func activation(_ tensor: MappedTensor, _ format: IntegerFormat) throws(ConversionError)
    -> StaticActivation?
  {
    guard format.activations == .fixed else { return nil }
    guard let calibration else {
      throw .recipe(
        RecipeError(
          recipe: recipe.name,
          problem:
            "\(tensor.name): \(format.word) needs the range of the inputs: --calibration FILE"))
    }
    return try calibration.staticActivation(of: tensor.name)
  }
}
