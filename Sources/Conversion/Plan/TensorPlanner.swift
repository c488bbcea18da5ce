import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Decides format, method, expectation and chunk grid of single tensors.
struct TensorPlanner {
  let checkpoint: Checkpoint
  let survey: ScaleSurvey
  let recipe: Recipe
  /// Which rules matched a tensor.
  private(set) var matched: Set<Int> = []

  init(checkpoint: Checkpoint, survey: ScaleSurvey, recipe: Recipe) {
    self.checkpoint = checkpoint
    self.survey = survey
    self.recipe = recipe
  }

  mutating func plan(_ tensor: MappedTensor) throws(ConversionError) -> PlannedTensor {
    let sources = tensor.expression.sources.map { checkpoint.tensors[$0.tensor] }
    let rule = firstRule(for: tensor, sources: sources)
    let wanted = rule?.type ?? .source
    let (format, fallback) = try self.format(tensor, sources: sources, wanted: wanted)
    let method = try self.method(rule, tensor, sources: sources, format: format)
    let encodings = sources.reduce(into: [String]()) { list, source in
      if !list.contains(source.encoding.description) { list.append(source.encoding.description) }
    }
    return PlannedTensor(
      name: tensor.name, role: tensor.role, shape: Shape(tensor.shape), format: format,
      method: method,
      expectation: expectation(tensor, sources: sources, format: format, method: method),
      fallbackFrom: fallback, sourceEncodings: encodings.isEmpty ? ["config"] : encodings,
      sourceByteCount: sourceByteCount(tensor.expression), grid: grid(tensor, sources: sources),
      expression: tensor.expression)
  }

  /// A rule that matched nothing and had to: a typing error more often than not.
  func unmatchedRule() -> Recipe.Rule? {
    recipe.rules.indices.first { !recipe.rules[$0].isOptional && !matched.contains($0) }
      .map { recipe.rules[$0] }
  }

  // MARK: Rules

  private mutating func firstRule(for tensor: MappedTensor, sources: [SourceTensor]) -> Recipe.Rule?
  {
    var first: Recipe.Rule?
    for (index, rule) in recipe.rules.enumerated() {
      guard matches(rule.match, tensor, sources) else { continue }
      // A rule behind another one that matches too is not a rule that matches nothing.
      matched.insert(index)
      if first == nil { first = rule }
    }
    return first
  }

  private func matches(
    _ match: Recipe.Rule.Match, _ tensor: MappedTensor, _ sources: [SourceTensor]
  ) -> Bool {
    switch match {
    case .role(let role): return tensor.role == role
    case .output(let pattern): return Glob(pattern).matches(tensor.name)
    case .source(let pattern):
      let glob = Glob(pattern)
      return sources.contains { glob.matches($0.name.text) }
    }
  }

  // MARK: Format and method

  private func format(
    _ tensor: MappedTensor, sources: [SourceTensor], wanted: Recipe.TargetType
  ) throws(ConversionError) -> (NumberFormat, fallbackFrom: NumberFormat?) {
    if tensor.isInteger { return (.i32, nil) }
    guard case .format(let format) = wanted else { return (lossless(tensor, sources), nil) }
    if format.blockElements > 1 {
      guard tensor.shape.count > 1 else {
        throw .recipe(
          RecipeError(
            recipe: recipe.name,
            problem:
              "\(tensor.name): \(format.rawValue) is for matrices, this tensor has one dimension"))
      }
      if !format.divides(rowLength: tensor.shape.last ?? 1) { return (.f16, format) }
    }
    return (format, nil)
  }

  /// The smallest format of the target that holds every value. Vectors are F32: llama.cpp computes
  /// with them in F32 only.
  private func lossless(_ tensor: MappedTensor, _ sources: [SourceTensor]) -> NumberFormat {
    if tensor.shape.count < 2 || sources.isEmpty { return .f32 }
    let formats = Set(tensor.expression.sources.map { losslessFormat($0.tensor) })
    return formats.count == 1 ? formats.first ?? .f32 : .f32
  }

  private func losslessFormat(_ index: Int) -> NumberFormat {
    switch checkpoint.tensors[index].encoding {
    case .plain(.bf16): return .bf16
    case .plain(.f16): return .f16
    case .plain: return .f32
    case .fp4: return .mxfp4
    case .fp8(let type, _, _, _):
      // The last bit of E4M3 is 2^-9 and its largest value 1.75·2^8 (E5M2: 2^-16, 1.75·2^15);
      // BF16 reaches from 2^-133 to just under 2^128.
      let exponents = type == .f8e4m3 ? -124...119 : -117...112
      return survey.spreads[index]?.isWithin(exponents) ?? false ? .bf16 : .f32
    }
  }

  private func method(
    _ rule: Recipe.Rule?, _ tensor: MappedTensor, sources: [SourceTensor], format: NumberFormat
  ) throws(ConversionError) -> PlannedTensor.Method {
    let hasGrid = !sources.isEmpty && sources.allSatisfy { $0.encoding == .fp4 }
    let isJoined = if case .concatenateColumns = tensor.expression { true } else { false }
    let isGridFormat = format.blockElements > 1
    if rule?.method == .gridAware, isGridFormat, !hasGrid || isJoined {
      throw .recipe(
        RecipeError(
          recipe: recipe.name,
          problem: "\(tensor.name): method grid-aware needs an FP4 source, found "
            + (sources.first?.encoding.description ?? "values from the config")))
    }
    if isGridFormat {
      return hasGrid && !isJoined && rule?.method != .absmax ? .gridAware : .absmax
    }
    let isSame = sources.allSatisfy { source in
      switch (source.encoding, format) {
      case (.plain(.f32), .f32), (.plain(.f16), .f16), (.plain(.bf16), .bf16), (.plain(.i32), .i32):
        true
      default: false
      }
    }
    return isSame ? .copy : .cast
  }

  private func expectation(
    _ tensor: MappedTensor, sources: [SourceTensor], format: NumberFormat,
    method: PlannedTensor.Method
  ) -> Exactness {
    switch (format, method) {
    case (_, .copy), (.f32, _): return .exact
    case (.i32, _): return .exactIf("every entry fits 32 bits")
    case (.mxfp4, .gridAware): return .exact
    case (.q8_0, .gridAware):
      // 2^(byte − 128) is an F16 from 2^-24 to 2^15.
      let isKnown = tensor.expression.sources.allSatisfy {
        survey.spreads[$0.tensor]?.isWithin(-23...16) ?? false
      }
      return isKnown ? .exact : .exactIf("every scale is between 2^-23 and 2^16")
    case (.q4_0, .gridAware):
      // The bound of `GridBounds` holds for scale bytes from 105 to 142.
      let hasOutlier = tensor.expression.sources.contains {
        survey.spreads[$0.tensor].map { !$0.isWithin(-22...15) } ?? false
      }
      return hasOutlier ? .measured : .bounded
    case (.bf16, .cast) where losslessFormats(tensor) == [.bf16]: return .exact
    default: return .measured
    }
  }

  private func losslessFormats(_ tensor: MappedTensor) -> Set<NumberFormat> {
    Set(tensor.expression.sources.map { losslessFormat($0.tensor) })
  }

  // MARK: Sizes

  private func sourceByteCount(_ expression: TensorExpression) -> Int {
    expression.sources.reduce(0) { sum, rows in
      let tensor = checkpoint.tensors[rows.tensor]
      let scaleRows = rows.rowCount.dividedRoundingUp(by: tensor.rowsPerScaleRow)
      return sum + rows.rowCount * tensor.rowByteCount + scaleRows * tensor.scaleRowByteCount
    }
  }

  private func grid(_ tensor: MappedTensor, sources: [SourceTensor]) -> ChunkGrid {
    let shape = Shape(tensor.shape)
    let parts = if case .stack(let parts) = tensor.expression { parts.count } else { 1 }
    let rows = shape.rowCount / max(1, parts)
    var rowBytes = sources.first?.rowByteCount ?? 4 * shape.rowLength
    if case .concatenateColumns = tensor.expression {
      rowBytes = sources.reduce(0) { $0 + $1.rowByteCount }
    }
    var granule = ChunkGrid.granule(
      rowsPerScale: sources.map(\.rowsPerScaleRow).max() ?? 1, sourceRowByteCount: rowBytes)
    if case .permuteHeads(_, let headRows) = tensor.expression {
      granule = granule.leastCommonMultiple(with: headRows)
    }
    return ChunkGrid(
      parts: parts, rowsPerPart: rows, sourceRowByteCount: rowBytes, granule: max(1, granule))
  }
}

extension Int {
  fileprivate func leastCommonMultiple(with other: Int) -> Int {
    var (a, b) = (self, other)
    while b != 0 { (a, b) = (b, a % b) }
    return self / a * other
  }
}
