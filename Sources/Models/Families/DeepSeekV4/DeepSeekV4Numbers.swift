/// DeepSeek-V4's numbers. Those that a GGUF file may lack have the values of the released models.
struct DeepSeekV4Numbers: Sendable {
  let layers: Int
  let hidden: Int
  let vocabulary: Int
  let context: Int
  let epsilon: Float

  /// Residual streams, and the steps and the ε of their Sinkhorn normalization.
  let streams: Int
  let sinkhornSteps: Int
  let streamEpsilon: Float

  let heads: Int
  let headWidth: Int
  /// Channels that are rotated: the last of each head.
  let rotaryWidth: Int
  let queryRank: Int
  /// Groups of heads, each with its own rows of the output's first matrix.
  let groups: Int
  let outputRank: Int
  /// Tokens that attention sees uncompressed, the query's own among them.
  let window: Int
  /// Of each layer and draft stage: 0, or the tokens that become one entry.
  private let ratios: [Int]
  let indexHeads: Int
  let indexWidth: Int
  let indexCount: Int
  /// Positions of layers that do not compress, and of those that do.
  let windowRotary: Rotary
  let compressedRotary: Rotary

  let usedExperts: Int
  let expertScale: Float
  let hashLayers: Int
  private let limits: [Float]
  private let sharedLimits: [Float]

  init(_ weights: ModelWeights) throws(ModelError) {
    let numbers = weights.numbers
    let drafts = try numbers.integer("nextn_predict_layers", minimum: 0, default: 0)
    layers = max(0, try numbers.integer("block_count") - drafts)
    hidden = try numbers.integer("embedding_length")
    vocabulary = try weights.weight("token_embd.weight").rowsPerPart
    context = try numbers.integer("context_length")
    epsilon = try numbers.real("attention.layer_norm_rms_epsilon", default: 1e-6)
    streams = try numbers.integer("hyper_connection.count", default: 4)
    sinkhornSteps = try numbers.integer("hyper_connection.sinkhorn_iterations", default: 20)
    streamEpsilon = try numbers.real("hyper_connection.epsilon", default: 1e-6)
    heads = try numbers.integer("attention.head_count")
    headWidth = try numbers.integer("attention.key_length")
    rotaryWidth = try numbers.integer("rope.dimension_count", default: 64)
    queryRank = try numbers.integer("attention.q_lora_rank")
    groups = try numbers.integer("attention.output_group_count")
    outputRank = try numbers.integer("attention.output_lora_rank")
    window = try numbers.integer("attention.sliding_window", default: 128)
    ratios = try Self.ratios(numbers, layers: layers)
    let hasIndexer = ratios.contains(Compressor.overlappingRatio)
    indexHeads = try numbers.integer("attention.indexer.head_count", default: hasIndexer ? nil : 1)
    indexWidth = try numbers.integer(
      "attention.indexer.key_length", default: hasIndexer ? nil : rotaryWidth)
    indexCount = try numbers.integer("attention.indexer.top_k", default: hasIndexer ? nil : 1)
    (windowRotary, compressedRotary) = try Self.rotaries(numbers, width: rotaryWidth)
    usedExperts = try numbers.integer("expert_used_count")
    expertScale = try numbers.real("expert_weights_scale", default: 1)
    hashLayers = try numbers.integer("hash_layer_count", minimum: 0, default: 0)
    limits = numbers.reals("swiglu_clamp_exp") ?? [10]
    sharedLimits = numbers.reals("swiglu_clamp_shexp") ?? limits
    try check(numbers)
  }

  private func check(_ numbers: ModelNumbers) throws(ModelError) {
    guard heads % groups == 0 else {
      throw numbers.problem(
        "attention.output_group_count", found: "\(groups) for \(heads) heads",
        expected: "a divisor of the heads")
    }
    guard rotaryWidth % 2 == 0, rotaryWidth <= min(headWidth, indexWidth) else {
      throw numbers.problem(
        "rope.dimension_count", found: "\(rotaryWidth)",
        expected: "an even number of at most \(min(headWidth, indexWidth)), the channels of a head")
    }
    guard sinkhornSteps <= 1000 else {
      throw numbers.problem(
        "hyper_connection.sinkhorn_iterations", found: "\(sinkhornSteps)",
        expected: "1 to 1000, for every token")
    }
    // 4 is the square root of softplus, the only gate that the family has.
    let gate = try numbers.integer("expert_gating_func", default: 4)
    guard gate == 4 else {
      throw numbers.problem("expert_gating_func", found: "\(gate)", expected: "4, √softplus")
    }
  }

  private static func ratios(_ numbers: ModelNumbers, layers: Int) throws(ModelError) -> [Int] {
    let key = "attention.compress_ratios"
    guard let ratios = numbers.integers(key) else {
      throw numbers.problem(key, found: "no such key", expected: "a list of 0, 4 and 128")
    }
    if let other = ratios.first(where: { ![0, 4, 128].contains($0) }) {
      throw numbers.problem(key, found: "\(other)", expected: "a list of 0, 4 and 128")
    }
    guard ratios.count >= layers else {
      throw numbers.problem(
        key, found: "\(ratios.count) entries", expected: "one for each of \(layers) layers")
    }
    return ratios
  }

  /// Windows turn by θ alone; compressed layers by another θ with YaRN, without its attention factor.
  private static func rotaries(_ numbers: ModelNumbers, width: Int) throws(ModelError) -> (
    Rotary, Rotary
  ) {
    try Rotary.check(width: width, numbers)
    let theta = Double(try numbers.real("rope.freq_base", default: 10000))
    let compressed = Double(
      try numbers.real("attention.compress_rope_freq_base", default: 160_000))
    let plain = Rotary(.adjacent, frequencies: Rotary.frequencies(width: width, theta: theta))
    let type = numbers.text("rope.scaling.type") ?? "none"
    guard type == "yarn" else {
      guard type == "none" else {
        throw numbers.problem("rope.scaling.type", found: type, expected: "none or yarn")
      }
      return (
        plain,
        Rotary(.adjacent, frequencies: Rotary.frequencies(width: width, theta: compressed))
      )
    }
    let frequencies = Rotary.yarn(
      width: width, theta: compressed, factor: Double(try numbers.real("rope.scaling.factor")),
      originalLength: Double(
        try numbers.integer("rope.scaling.original_context_length", default: 65536)),
      betaFast: Double(try numbers.real("rope.scaling.yarn_beta_fast", default: 32)),
      betaSlow: Double(try numbers.real("rope.scaling.yarn_beta_slow", default: 1)))
    return (plain, Rotary(.adjacent, frequencies: frequencies))
  }

  /// The ratio of a layer or, behind the layers, of a draft stage.
  func ratio(_ layer: Int) -> Int { layer < ratios.count ? ratios[layer] : 0 }

  func rotary(_ layer: Int) -> Rotary { ratio(layer) == 0 ? windowRotary : compressedRotary }

  /// Where SwiGLU clamps a layer's routed experts and its shared one; nil where it does not.
  func limit(_ layer: Int) -> Float? { Self.limit(limits, layer) }
  func sharedLimit(_ layer: Int) -> Float? { Self.limit(sharedLimits, layer) }

  /// A draft stage has the limit of the last layer; 0 is none.
  private static func limit(_ limits: [Float], _ layer: Int) -> Float? {
    guard let last = limits.last else { return nil }
    let limit = layer < limits.count ? limits[layer] : last
    return limit > 0 ? limit : nil
  }
}
