import QuernCheckpoints

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Llama, Mixtral, Qwen2, Qwen2-MoE, Qwen3 and Qwen3-MoE.
///
///     x₀     = embedding of the token
///     per layer, x ← x + attention(rms(x; attn_norm)), then x ← x + ffn(rms(x; ffn_norm))
///     logits = output · rms(x; output_norm)            the embedding where heads are tied
///
/// Attention: q, k, v = W x (+ bias); Qwen3: each head of q and k through an RMS norm; rotary positions on
/// q and k; softmax(q·k/√head) v over the token and those before it, of some layers the last `window` of
/// them; then the output projection.
///
/// Experts: p = softmax(router · x); the `used` largest, ties to the lower index, of weight p, or
/// p / Σ chosen p where weights are normalized (Mixtral, Qwen3-MoE); each an own SwiGLU. Qwen2-MoE adds a
/// shared SwiGLU times σ(g·x).
package struct TransformerModel: ForwardPass {
  /// The architectures, as GGUF names them, of this pass.
  static let architectures = ["llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe"]

  package let layerCount: Int
  package let hiddenWidth: Int
  package let vocabulary: Int
  package let context: Int
  package let outputName: String

  let attention: Attention
  private let rotary: Rotary
  private let epsilon: Float
  let usedExperts: Int
  private let normalizesExperts: Bool
  /// For each layer the tokens that a token sees, or 0 for all; empty where no layer has a window, as
  /// in GGUF, which has no key for it in these families.
  private let windows: [Int]

  package init(_ weights: ModelWeights) throws(ModelError) {
    let numbers = weights.numbers
    layerCount = try numbers.integer("block_count")
    hiddenWidth = try numbers.integer("embedding_length")
    context = try numbers.integer("context_length")
    let heads = try numbers.integer("attention.head_count")
    let keyHeads = try numbers.integer("attention.head_count_kv", default: heads)
    let width = try numbers.integer(
      "attention.key_length", default: max(1, hiddenWidth / max(1, heads)))
    guard heads % keyHeads == 0, width % 2 == 0 else {
      throw numbers.problem(
        "attention.head_count_kv", found: "\(keyHeads) for \(heads) heads of \(width)",
        expected: "a divisor of the heads, and heads of an even width")
    }
    let valueWidth = try numbers.integer("attention.value_length", default: width)
    attention = Attention(
      heads: heads, keyHeads: keyHeads, keyWidth: width, valueWidth: valueWidth,
      scale: 1 / Float(width).squareRoot())
    epsilon = try numbers.real("attention.layer_norm_rms_epsilon")
    rotary = try Rotary(
      weights.model.architecture == "llama" ? .adjacent : .halves,
      width: try numbers.integer("rope.dimension_count", default: width), of: weights)
    guard rotary.width <= width else {
      throw numbers.problem(
        "rope.dimension_count", found: "\(rotary.width)",
        expected: "2 to \(width), the channels of a head")
    }
    windows = weights.model.parameters?.bindings.arrays["windows"] ?? []
    vocabulary = try weights.weight("token_embd.weight").rowsPerPart
    outputName = weights.has("output.weight") ? "output.weight" : "token_embd.weight"
    usedExperts = try numbers.integer("expert_used_count", minimum: 0, default: 0)
    normalizesExperts = Self.normalizesExperts(weights.model)
    try check(weights)
  }

  /// GGUF has no key for it in these families; a config may say otherwise.
  private static func normalizesExperts(_ model: CanonicalModel) -> Bool {
    if let flag = model.parameters?.bindings.integers["experts_norm"] { return flag != 0 }
    return model.architecture != "qwen2moe"
  }

  package func embed(_ batch: TokenBatch, _ products: Products) throws(ModelError) -> Activations {
    try products.rows(of: "token_embd.weight", batch.tokens.map(Int.init))
  }

  package func finish(_ stream: Activations, _ products: Products) throws(ModelError)
    -> Activations
  {
    try RMSNorm("output_norm.weight", width: hiddenWidth, epsilon: epsilon, products)
      .normalized(stream)
  }

  package func run(
    layer: Int, _ stream: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> LayerTrace {
    let prefix = "blk.\(layer)."
    let norm = try RMSNorm(
      prefix + "attn_norm.weight", width: hiddenWidth, epsilon: epsilon, products)
    stream.add(try attend(norm.normalized(stream), layer, batch, products))
    let feedForwardNorm = try RMSNorm(
      prefix + "ffn_norm.weight", width: hiddenWidth, epsilon: epsilon, products)
    let x = feedForwardNorm.normalized(stream)
    guard products.weights.has(prefix + "ffn_gate_inp.weight") else {
      stream.add(try SwiGLU.feedForward(x, prefix: prefix, products))
      return LayerTrace()
    }
    let routing = try route(x, prefix, products)
    stream.add(try ExpertLayer(prefix: prefix).run(x, routing, products))
    if let shared = try sharedExpert(x, prefix, products) { stream.add(shared) }
    return LayerTrace(experts: routing.rows)
  }

  // MARK: Attention

  private func attend(
    _ x: Activations, _ layer: Int, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> Activations {
    let prefix = "blk.\(layer)."
    let q = try products.project(x, prefix + "attn_q")
    let k = try products.project(x, prefix + "attn_k")
    let v = try products.project(x, prefix + "attn_v")
    try normalizeHeads(q, prefix + "attn_q_norm.weight", products)
    try normalizeHeads(k, prefix + "attn_k_norm.weight", products)
    let positions = batch.positions
    rotary.apply(q, headWidth: attention.keyWidth, positions: positions)
    rotary.apply(k, headWidth: attention.keyWidth, positions: positions)
    var attention = attention
    if layer < windows.count, windows[layer] > 0 { attention.window = windows[layer] }
    let mixed = try attention.attend(q, k, v, batch, products)
    return try products.project(mixed, prefix + "attn_output")
  }

  private func normalizeHeads(_ x: Activations, _ name: String, _ products: Products)
    throws(ModelError)
  {
    guard products.weights.has(name) else { return }
    try RMSNorm(name, width: attention.keyWidth, epsilon: epsilon, products).normalize(x)
  }

  // MARK: Experts

  private func route(_ x: Activations, _ prefix: String, _ products: Products)
    throws(ModelError) -> ExpertRouting
  {
    let scores = try products.multiply(x, prefix + "ffn_gate_inp.weight")
    var experts: [Int32] = []
    var weights: [Float] = []
    for row in 0..<scores.rowCount {
      let values = scores.row(row)
      Softmax.apply(values)
      let chosen = TopK.indices(UnsafeBufferPointer(values), count: usedExperts)
      let sum = normalizesExperts ? chosen.reduce(0) { $0 + values[$1] } : 1
      experts += chosen.map(Int32.init)
      weights += chosen.map { values[$0] / sum }
    }
    return ExpertRouting(usedCount: usedExperts, experts: experts, weights: weights)
  }

  private func sharedExpert(_ x: Activations, _ prefix: String, _ products: Products)
    throws(ModelError) -> Activations?
  {
    guard products.weights.has(prefix + "ffn_gate_shexp.weight") else { return nil }
    let out = try SwiGLU.feedForward(x, prefix: prefix, suffix: "_shexp", products)
    let gates = try products.multiply(x, prefix + "ffn_gate_inp_shexp.weight").array
    for row in 0..<out.rowCount {
      let factor = 1 / (1 + expf(-gates[row]))
      let values = out.row(row)
      for column in values.indices { values[column] *= factor }
    }
    return out
  }
}
