/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1). Keys and values of all heads
/// come from one latent vector of each token; what would expand it is multiplied with queries and outputs
/// instead, so that heads share their keys.
///
///     q     = q_b · rms(q_a · x; q_a_norm), or q · x;   of each head: n ++ r, r turned to its position
///     c ++ s = kv_a_mqa · x;   c ← rms(c; kv_a_norm), s turned to its position
///     score = (k_b n · c + r · s) · scale               k_b [latent, nope], of each head its own
///     o     = Σ softmax(score) c, over the token itself and those before it
///     out   = attn_output · (v_b o of all heads)        v_b [value, latent]
///
/// Adjacent channels are pairs. scale = (nope + rope)^-½ · m², `DeepSeekV3Numbers.scale`.
struct AbsorbedAttention: Sendable {
  private let prefix: String
  private let numbers: DeepSeekV3Numbers

  init(prefix: String, _ numbers: DeepSeekV3Numbers) {
    (self.prefix, self.numbers) = (prefix, numbers)
  }

  /// Heads whose queries and outputs are held at once.
  private static let headsAtOnce = 4
  /// transformers' norms of latent vectors have an ε of their own; the released models have no other.
  private static let epsilon: Float = 1e-6

  /// - Parameter x: [rows, hidden].
  /// - Returns: [rows, hidden].
  func run(_ x: Activations, _ batch: TokenBatch, _ products: Products) throws(ModelError)
    -> Activations
  {
    let (keys, latents) = try keys(x, batch, products)
    let (input, weight) = try queryInput(x, products)
    let out = Activations(rows: x.rowCount, width: numbers.heads * numbers.valueWidth)
    for first in stride(from: 0, to: numbers.heads, by: Self.headsAtOnce) {
      let heads = first..<min(first + Self.headsAtOnce, numbers.heads)
      let queries = try queries(of: heads, input, weight, batch, products)
      let attention = Attention(
        heads: heads.count, keyHeads: 1, keyWidth: keys.width, valueWidth: latents.width,
        scale: numbers.scale)
      let mixed = try attention.attend(queries, keys, latents, batch, products)
      for (place, head) in heads.enumerated() {
        let latent = mixed.columns(place * latents.width..<(place + 1) * latents.width)
        let values = try products.multiply(latent, prefix + "attn_v_b.weight", part: head)
        out.replaceColumns(from: head * numbers.valueWidth, with: values)
      }
    }
    return try products.multiply(out, prefix + "attn_output.weight")
  }

  /// What the heads share: keys [rows, latent + rope], and their latent part alone.
  private func keys(_ x: Activations, _ batch: TokenBatch, _ products: Products)
    throws(ModelError) -> (keys: Activations, latents: Activations)
  {
    let keys = try products.multiply(x, prefix + "attn_kv_a_mqa.weight")
    let latents = keys.columns(0..<numbers.latentWidth)
    try RMSNorm(
      prefix + "attn_kv_a_norm.weight", width: numbers.latentWidth, epsilon: Self.epsilon, products
    ).normalize(latents)
    keys.replaceColumns(from: 0, with: latents)
    numbers.rotary.apply(
      keys, headWidth: keys.width, offset: numbers.latentWidth, positions: batch.positions)
    return (keys, latents)
  }

  /// What makes the queries of all heads, and of what.
  private func queryInput(_ x: Activations, _ products: Products) throws(ModelError)
    -> (input: Activations, weight: String)
  {
    guard numbers.queryRank > 0 else { return (x, prefix + "attn_q.weight") }
    let input = try products.multiply(x, prefix + "attn_q_a.weight")
    try RMSNorm(
      prefix + "attn_q_a_norm.weight", width: input.width, epsilon: Self.epsilon, products
    ).normalize(input)
    return (input, prefix + "attn_q_b.weight")
  }

  /// Queries of some heads as their keys are: [rows, heads · (latent + rope)].
  private func queries(
    of heads: Range<Int>, _ input: Activations, _ weight: String, _ batch: TokenBatch,
    _ products: Products
  ) throws(ModelError) -> Activations {
    let (width, nope) = (numbers.keyWidth, numbers.nopeWidth)
    let plain = try products.multiply(
      input, weight, outputs: heads.lowerBound * width..<heads.upperBound * width,
      isObserved: heads.lowerBound == 0)
    numbers.rotary.apply(plain, headWidth: width, offset: nope, positions: batch.positions)
    let keyWidth = numbers.latentWidth + numbers.ropeWidth
    let queries = Activations(rows: input.rowCount, width: heads.count * keyWidth)
    for (place, head) in heads.enumerated() {
      let first = place * width
      let absorbed = try products.multiply(
        plain.columns(first..<first + nope), prefix + "attn_k_b.weight", part: head)
      queries.replaceColumns(from: place * keyWidth, with: absorbed)
      queries.replaceColumns(
        from: place * keyWidth + absorbed.width, with: plain.columns(first + nope..<first + width))
    }
    return queries
  }
}
