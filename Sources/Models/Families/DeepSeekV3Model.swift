/// DeepSeek-V3, R1 and what else GGUF calls `deepseek2` (V2 without `attn_kv_b`).
///
///     x₀     = embedding of the token
///     per layer, x ← x + attention(rms(x; attn_norm)), then x ← x + ffn(rms(x; ffn_norm))
///     logits = output · rms(x; output_norm)            the embedding where heads are tied
///
/// Attention: `AbsorbedAttention`. The first layers have one SwiGLU; the others those experts that
/// `DeepSeekV3Router` chooses, each down(silu(gate x) · up x) times its weight, and a shared SwiGLU of
/// weight 1.
///
/// Formulas: transformers' `deepseek_v3` and DeepSeek's `inference/model.py`, without the rounding of
/// activations that the latter's FP8 kernels do. The draft (MTP) layer has no part in the pass.
package struct DeepSeekV3Model: ForwardPass {
  private let numbers: DeepSeekV3Numbers

  package var layerCount: Int { numbers.layers }
  package var hiddenWidth: Int { numbers.hidden }
  package var vocabulary: Int { numbers.vocabulary }
  package var context: Int { numbers.context }
  package let outputName: String

  /// - Throws: `ModelError.data` for numbers that are missing or do not go together, and for weights
  ///   whose shapes they do not explain.
  package init(_ weights: ModelWeights) throws(ModelError) {
    numbers = try DeepSeekV3Numbers(weights)
    outputName = weights.has("output.weight") ? "output.weight" : "token_embd.weight"
    try numbers.check(weights)
  }

  package func embed(_ batch: TokenBatch, _ products: Products) throws(ModelError) -> Activations {
    try products.rows(of: "token_embd.weight", batch.tokens.map(Int.init))
  }

  package func run(
    layer: Int, _ stream: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> LayerTrace {
    let prefix = "blk.\(layer)."
    let norm = try norm(prefix + "attn_norm.weight", products)
    let attention = AbsorbedAttention(prefix: prefix, numbers)
    stream.add(try attention.run(norm.normalized(stream), batch, products))
    let x = try self.norm(prefix + "ffn_norm.weight", products).normalized(stream)
    guard products.weights.has(prefix + "ffn_gate_inp.weight") else {
      stream.add(try SwiGLU.feedForward(x, prefix: prefix, products))
      return LayerTrace()
    }
    let routing = try DeepSeekV3Router(prefix: prefix, numbers).route(x, products)
    stream.add(try ExpertLayer(prefix: prefix).run(x, routing, products))
    if products.weights.has(prefix + "ffn_gate_shexp.weight") {
      stream.add(try SwiGLU.feedForward(x, prefix: prefix, suffix: "_shexp", products))
    }
    return LayerTrace(experts: routing.rows)
  }

  package func finish(_ stream: Activations, _ products: Products) throws(ModelError)
    -> Activations
  {
    try norm("output_norm.weight", products).normalized(stream)
  }

  private func norm(_ name: String, _ products: Products) throws(ModelError) -> RMSNorm {
    try RMSNorm(name, width: hiddenWidth, epsilon: numbers.epsilon, products)
  }
}
