import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Decides format, method, expectation and chunk grid of single tensors.
struct TensorPlanner {
  let checkpoint: Checkpoint
  let survey: ScaleSurvey
  let recipe: Recipe
  /// The patterns of the rules that have one.
  private let globs: [Glob?]
  let importance: Importance?
  let calibration: Calibration?
  /// What rules see of the model as a whole.
  let model: Model
  /// Which rules matched a tensor.
  private(set) var matched: Set<Int> = []

  struct Model {
    /// Layers, draft layers left out.
    let layerCount: Int
    let architecture: String
    /// True where the embedding is the head as well: rules for the output are for it then.
    let hasTiedHead: Bool
    /// Whose layout integers have; nil for GGUF.
    var runtime: IntegerFormat.Runtime?
    /// What is written of matrices beside their weights.
    var relayout: ConversionOptions.Relayout?
  }

  init(
    checkpoint: Checkpoint, survey: ScaleSurvey, recipe: Recipe, importance: Importance?,
    calibration: Calibration? = nil, model: Model
  ) {
    self.checkpoint = checkpoint
    self.survey = survey
    self.recipe = recipe
    globs = recipe.rules.map { rule in
      switch rule.match {
      case .output(let pattern), .source(let pattern): Glob(pattern)
      case .role: nil
      }
    }
    self.importance = importance
    self.calibration = calibration
    self.model = model
  }

  /// - Parameters:
  ///   - module: how the runtime builds what the tensor belongs to, where there is one.
  ///   - rotation: how its values are turned, where they are.
  mutating func plan(
    _ tensor: MappedTensor, module: RuntimeModule? = nil, rotation: TensorRotation? = nil
  ) throws(ConversionError) -> PlannedTensor {
    let sources = tensor.expression.sources.map { checkpoint.tensors[$0.tensor] }
    let rule = firstRule(for: tensor, sources: sources)
    if case .integers(let format) = rule?.type ?? .source {
      return try integers(tensor, module, format, rule, rotation)
    }
    let wanted = rule?.type ?? .source
    let (format, fallback) = try self.format(tensor, sources: sources, wanted: wanted)
    let method =
      try rotation == nil ? self.method(rule, tensor, sources: sources, format: format) : .cast
    let importance = try importance(tensor, method: method)
    return PlannedTensor(
      name: tensor.name, role: tensor.role, shape: Shape(tensor.shape), storage: .numbers(format),
      parts: [.numbers(tensor.name, Shape(tensor.shape), format)], method: method,
      expectation: rotation == nil
        ? expectation(
          tensor, sources: sources, format: format, method: method, isWeighted: importance != nil)
        : .measured,
      fallbackFrom: fallback, sourceEncodings: encodings(sources),
      sourceByteCount: sourceByteCount(tensor.expression),
      grid: grid(tensor, sources: sources, rowGranule: rotation?.rowGranule ?? 1),
      expression: tensor.expression, importance: importance,
      calibration: try calibration(tensor, rule, format: format, method: method),
      rotation: rotation)
  }

  func encodings(_ sources: [SourceTensor]) -> [String] {
    let encodings = sources.reduce(into: [String]()) { list, source in
      if !list.contains(source.encoding.description) { list.append(source.encoding.description) }
    }
    return encodings.isEmpty ? ["config"] : encodings
  }

  /// The tensor with its second scales, found in the data, and the tensor that holds them; a tensor
  /// that needs none alone.
  func withSecondScale(_ planned: PlannedTensor, _ survey: SecondScaleSurvey)
    throws(ConversionError) -> [PlannedTensor]
  {
    guard planned.storage == .numbers(.nvfp4),
      SecondScaleSurvey.isApplied(to: planned.name, architecture: model.architecture)
    else { return [planned] }
    var tensor = planned
    tensor.scaleExponents = try survey.exponents(of: planned)
    let factors = tensor.scaleExponents.map { Float(sign: .plus, exponent: $0, significand: 1) }
    let shape = Shape([factors.count])
    let scale = PlannedTensor(
      name: String(planned.name.dropLast("weight".count)) + "scale", role: .weightScale,
      shape: shape, storage: .numbers(.f32),
      parts: [.numbers(String(planned.name.dropLast("weight".count)) + "scale", shape, .f32)],
      method: .cast, expectation: .exact, fallbackFrom: nil,
      sourceEncodings: ["survey"], sourceByteCount: 0,
      grid: ChunkGrid(parts: 1, rowsPerPart: factors.count, sourceRowByteCount: 4, granule: 1),
      expression: .values(factors))
    return [tensor, scale]
  }

  /// A rule that matched nothing and had to: a typing error more often than not.
  func unmatchedRule() -> Recipe.Rule? {
    recipe.rules.indices.first { !recipe.rules[$0].isOptional && !matched.contains($0) }
      .map { recipe.rules[$0] }
  }

  // MARK: Rules

  /// The rule that decides about a tensor; nil where none matches.
  mutating func rule(for tensor: MappedTensor) -> Recipe.Rule? {
    firstRule(for: tensor, sources: tensor.expression.sources.map { checkpoint.tensors[$0.tensor] })
  }

  private mutating func firstRule(for tensor: MappedTensor, sources: [SourceTensor]) -> Recipe.Rule?
  {
    var first: Recipe.Rule?
    for (index, rule) in recipe.rules.enumerated() {
      guard matches(index, tensor, sources), isInLayers(rule, tensor) else { continue }
      // A rule behind another one that matches too is not a rule that matches nothing.
      matched.insert(index)
      if first == nil { first = rule }
    }
    return first
  }

  private func matches(
    _ rule: Int, _ tensor: MappedTensor, _ sources: [SourceTensor]
  ) -> Bool {
    switch recipe.rules[rule].match {
    case .role(.output): return tensor.role == .output || isTiedHead(tensor)
    case .role(let role): return tensor.role == role
    case .output: return globs[rule]?.matches(tensor.name) ?? false
    case .source: return sources.contains { globs[rule]?.matches($0.name.text) ?? false }
    }
  }

  private func isTiedHead(_ tensor: MappedTensor) -> Bool {
    model.hasTiedHead && tensor.role == .embedding
  }

  private func isInLayers(_ rule: Recipe.Rule, _ tensor: MappedTensor) -> Bool {
    guard let layers = rule.layers else { return true }
    guard let layer = layerNumber(ofTensor: tensor.name) else { return false }
    return layers.contains(layer: layer, of: model.layerCount)
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
      let fitting = format.fallback(rowLength: tensor.shape.last ?? 1)
      if fitting != format { return (fitting, format) }
    }
    return (format, nil)
  }

  /// The smallest format of the target that holds every value. Vectors of GGUF are F32: llama.cpp
  /// computes with them in F32 only.
  private func lossless(_ tensor: MappedTensor, _ sources: [SourceTensor]) -> NumberFormat {
    if sources.isEmpty || tensor.shape.count < 2 && model.runtime == nil { return .f32 }
    // Runtimes keep what was quantized and is not to be in the type that they compute in.
    let isQuantized = sources.contains { if case .plain = $0.encoding { false } else { true } }
    if model.runtime != nil, isQuantized { return .bf16 }
    // Blocks run along the rows that the source has.
    if tensor.expression.isTransposed, sources.contains(where: { $0.encoding == .fp4 }) {
      return .f32
    }
    let formats = losslessFormats(tensor)
    return formats.count == 1 ? formats.first ?? .f32 : .f32
  }

  private func losslessFormat(_ index: Int) -> NumberFormat {
    switch checkpoint.tensors[index].encoding {
    case .plain(.bf16): return .bf16
    case .plain(.f16): return .f16
    case .plain: return .f32
    case .fp4: return .mxfp4
    // By definition a value is the float32 of code × scale.
    case .integers, .blocks: return .f32
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
    guard format.blockElements > 1 else { return plainMethod(sources, format) }
    return try searchMethod(
      rule, tensor, sources: sources, reference: format.referenceMethod)
  }

  /// The method of blocks and integers.
  func searchMethod(
    _ rule: Recipe.Rule?, _ tensor: MappedTensor, sources: [SourceTensor],
    reference: PlannedTensor.Method, isRotated: Bool = false
  ) throws(ConversionError) -> PlannedTensor.Method {
    let keepsRows =
      switch tensor.expression {
      case .concatenateColumns, .transpose: false
      case .copy, .stack, .permuteHeads, .values: true
      }
    let hasGrid =
      !sources.isEmpty && sources.allSatisfy { $0.encoding == .fp4 } && keepsRows && !isRotated
    switch rule?.method ?? .auto {
    case .auto: return hasGrid ? .gridAware : .optimal
    case .absmax, .ggml: return reference
    case .optimal: return .optimal
    case .gridAware:
      if hasGrid { return .gridAware }
      throw .recipe(
        RecipeError(
          recipe: recipe.name,
          problem: "\(tensor.name): method grid-aware needs an FP4 source, found "
            + (isRotated ? "rotated values of " : "")
            + (sources.first?.encoding.description ?? "values from the config")))
    case .gptq: return .gptq
    }
  }

  private func calibration(
    _ tensor: MappedTensor, _ rule: Recipe.Rule?, format: NumberFormat,
    method: PlannedTensor.Method
  ) throws(ConversionError) -> Calibration.Facts? {
    guard method == .gptq else { return nil }
    guard let calibration else {
      throw .recipe(
        RecipeError(
          recipe: recipe.name,
          problem: "\(tensor.name): method gptq needs calibration statistics: --calibration FILE"))
    }
    return try calibration.facts(
      tensor.name, rowLength: tensor.shape.last ?? 1,
      expertCount: tensor.shape.count == 3 ? tensor.shape[0] : 1, format: format,
      order: rule?.ordersByActivation ?? false ? .byActivation : .byColumn)
  }

  /// What weights a tensor's errors have. Data for a tensor that needs none is checked all the same:
  /// another width is another model.
  func importance(
    _ tensor: MappedTensor, method: PlannedTensor.Method
  ) throws(ConversionError) -> Importance.Facts? {
    guard let importance, tensor.shape.count > 1, !tensor.isInteger else { return nil }
    let facts = try importance.facts(
      tensor.name, rowLength: tensor.shape.last ?? 1,
      expertCount: tensor.shape.count == 3 ? tensor.shape[0] : 1)
    return method.isWeighted ? facts : nil
  }

  /// Formats without blocks keep their bytes or round each value.
  private func plainMethod(_ sources: [SourceTensor], _ format: NumberFormat)
    -> PlannedTensor.Method
  {
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
    method: PlannedTensor.Method, isWeighted: Bool
  ) -> Exactness {
    switch (format, method) {
    case (_, .copy), (.f32, _): return .exact
    case (.i32, _): return .exactIf("every entry fits 32 bits")
    case (_, .gridAware):
      let hasSecondScale = SecondScaleSurvey.isApplied(
        to: tensor.name, architecture: model.architecture)
      return GridExpectation(
        format: format, spreads: tensor.expression.sources.map { survey.spreads[$0.tensor] },
        hasSecondScale: hasSecondScale, isWeighted: isWeighted
      ).exactness
    case (.bf16, .cast) where losslessFormats(tensor) == [.bf16]: return .exact
    default: return .measured
    }
  }

  private func losslessFormats(_ tensor: MappedTensor) -> Set<NumberFormat> {
    Set(tensor.expression.sources.map { losslessFormat($0.tensor) })
  }

  // MARK: Sizes

  func sourceByteCount(_ expression: TensorExpression) -> Int {
    expression.sources.reduce(0) { sum, rows in
      let tensor = checkpoint.tensors[rows.tensor]
      let scaleRows = rows.rowCount.dividedRoundingUp(by: tensor.rowsPerScaleRow)
      return sum + tensor.codeByteCount(rows: rows.rowCount)
        + scaleRows * tensor.scaleRowByteCount
    }
  }

  /// - Parameter rowGranule: output rows that share bytes.
  func grid(
    _ tensor: MappedTensor, sources: [SourceTensor], rowGranule: Int = 1
  ) -> ChunkGrid {
    let shape = Shape(tensor.shape)
    let parts = tensor.expression.isStack ? tensor.expression.sources.count : 1
    let rows = shape.rowCount / max(1, parts)
    var rowBytes = sources.first?.rowByteCount ?? 4 * shape.rowLength
    if case .concatenateColumns = tensor.expression {
      rowBytes = sources.reduce(0) { $0 + $1.rowByteCount }
    }
    if tensor.expression.isTransposed {
      // A row is an element of each row of the source.
      rowBytes = shape.rowLength * rowBytes / max(1, sources.first?.shape.rowLength ?? 1)
    }
    var granule = ChunkGrid.granule(
      rowsPerScale: tensor.expression.isTransposed ? 1 : sources.map(\.rowGranule).max() ?? 1,
      sourceRowByteCount: rowBytes)
    if case .permuteHeads(_, let headRows) = tensor.expression {
      granule = granule.leastCommonMultiple(with: headRows)
    }
    granule = granule.leastCommonMultiple(with: rowGranule)
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
