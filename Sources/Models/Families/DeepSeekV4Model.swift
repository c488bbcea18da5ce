/// DeepSeek-V4. Between layers a token has n residual streams of D channels, stream k in columns
/// k·D ..< (k + 1)·D.
///
///     X_k    = embedding of the token, for every stream
///     per layer two sites, attention and experts: y read from the streams, out = sublayer(rms(y; norm)),
///     written back (`HyperConnection`)
///     logits = output · rms(y; output_norm), y read from the streams by the head's own weights
///
/// Sublayers: `LatentAttention` (window, compressed entries, indexer), then the experts that
/// `DeepSeekV4Router` chooses, each down(silu(min(gate x, L)) · clamp(up x, ±L)) times its weight, and a
/// shared expert of weight 1.
///
/// Formulas: transformers' `deepseek_v4` and DeepSeek's `inference/model.py`, without the rounding of
/// activations that the latter simulates.
package struct DeepSeekV4Model: ForwardPass {
  let numbers: DeepSeekV4Numbers

  package var layerCount: Int { numbers.layers }
  package var hiddenWidth: Int { numbers.hidden }
  package var streamCount: Int { numbers.streams }
  package var vocabulary: Int { numbers.vocabulary }
  package var context: Int { numbers.context }
  package var outputName: String { "output.weight" }

  /// - Throws: `ModelError.data` for numbers that are missing or do not go together, and for weights
  ///   whose shapes they do not explain.
  package init(_ weights: ModelWeights) throws(ModelError) {
    numbers = try DeepSeekV4Numbers(weights)
    try numbers.check(weights)
  }

  package func embed(_ batch: TokenBatch, _ products: Products) throws(ModelError) -> Activations {
    let rows = try products.rows(of: "token_embd.weight", batch.tokens.map(Int.init))
    return rows.repeated(numbers.streams)
  }

  package func run(
    layer: Int, _ stream: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> LayerTrace {
    let attention = try LatentAttention(layer: layer, numbers, products)
    var trace = LayerTrace()
    try site("attn", layer, stream, products) { x throws(ModelError) in
      let (output, chosen) = try attention.run(x, batch, products)
      trace.index = chosen
      return output
    }
    let router = DeepSeekV4Router(layer: layer, numbers)
    try site("ffn", layer, stream, products) { x throws(ModelError) in
      let routing = try router.route(x, batch, products)
      trace.experts = routing.rows
      return try experts(x, layer, routing, products)
    }
    return trace
  }

  /// Reads from the streams, norms, runs the sublayer and writes back.
  private func site(
    _ name: String, _ layer: Int, _ stream: Activations, _ products: Products,
    _ sublayer: (Activations) throws(ModelError) -> Activations
  ) throws(ModelError) {
    let prefix = "blk.\(layer)."
    let connection = try HyperConnection("\(prefix)hc_\(name)_", numbers, products)
    let norm = try RMSNorm(
      "\(prefix)\(name)_norm.weight", width: hiddenWidth, epsilon: numbers.epsilon, products)
    let mixes = try connection.mixes(stream, products)
    let x = try connection.read(stream, mixes, products.workers)
    norm.normalize(x)
    try connection.write(try sublayer(x), mixes, to: stream, products.workers)
  }

  private func experts(
    _ x: Activations, _ layer: Int, _ routing: ExpertRouting, _ products: Products
  ) throws(ModelError) -> Activations {
    let prefix = "blk.\(layer)."
    let out = try ExpertLayer(prefix: prefix, limit: numbers.limit(layer))
      .run(x, routing, products)
    guard products.weights.has(prefix + "ffn_gate_shexp.weight") else { return out }
    out.add(
      try SwiGLU.feedForward(
        x, prefix: prefix, suffix: "_shexp", limit: numbers.sharedLimit(layer), products))
    return out
  }

  package func finish(_ stream: Activations, _ products: Products) throws(ModelError)
    -> Activations
  {
    try finish(stream, norm: "output_norm.weight", products)
  }

  func finish(_ stream: Activations, norm name: String, _ products: Products)
    throws(ModelError) -> Activations
  {
    let x = try HyperConnection.head(stream, numbers, products)
    try RMSNorm(name, width: hiddenWidth, epsilon: numbers.epsilon, products).normalize(x)
    return x
  }
}
