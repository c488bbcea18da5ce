/// The first draft (MTP) stage guesses the token after the next: for token t, with the streams X behind
/// the last layer and the embedding of token t + 1,
///
///     X'_k   = eh_proj · [rms(embedding; enorm), rms(X_k; hnorm)]
///     X'     through one layer that routes by score
///     logits = head · rms(y; shared_head_norm), y read by the stage's own head weights
///
/// Embedding and head are the model's unless the stage has its own. DSpark's stages are another model;
/// they have no pass here.
extension DeepSeekV4Model {
  package func finishDraft(
    _ stream: Activations, _ batch: TokenBatch, _ products: Products, draft: Products
  ) throws(ModelError) -> DraftStates? {
    let prefix = "blk.\(layerCount).nextn."
    guard draft.weights.has(prefix + "eh_proj.weight") else { return nil }
    try numbers.checkHead(draft.weights)
    try numbers.check(layer: layerCount, draft.weights)
    let rows = batch.sequences.flatMap { Array($0.dropLast()) }
    let next = TokenBatch(batch.sequences.map { Array(batch.tokens[$0].dropFirst()) })
    let states = try start(
      stream.gathered(rows), try embedding(next, prefix, draft), prefix, draft)
    _ = try run(layer: layerCount, states, next, draft)
    let head = prefix + "shared_head_head.weight"
    return DraftStates(
      values: try finish(states, norm: prefix + "shared_head_norm.weight", draft),
      outputName: draft.weights.has(head) ? head : outputName)
  }

  private func embedding(_ batch: TokenBatch, _ prefix: String, _ draft: Products)
    throws(ModelError) -> Activations
  {
    let own = prefix + "embed_tokens.weight"
    return try draft.rows(
      of: draft.weights.has(own) ? own : "token_embd.weight", batch.tokens.map(Int.init))
  }

  /// Rows whose inputs of the projection are held at once.
  private static var rowsAtOnce: Int { 1024 }

  private func start(
    _ stream: Activations, _ embedding: Activations, _ prefix: String, _ draft: Products
  ) throws(ModelError) -> Activations {
    let (n, width) = (streamCount, hiddenWidth)
    try RMSNorm(prefix + "enorm.weight", width: width, epsilon: numbers.epsilon, draft)
      .normalize(embedding)
    try RMSNorm(prefix + "hnorm.weight", width: width, epsilon: numbers.epsilon, draft)
      .normalize(stream)
    let heads = stream.reshaped(width: width)
    let out = Activations(rows: stream.rowCount, width: n * width)
    for first in stride(from: 0, to: stream.rowCount, by: Self.rowsAtOnce) {
      let rows = first..<min(first + Self.rowsAtOnce, stream.rowCount)
      let pairs = Activations(rows: rows.count * n, width: 2 * width)
      for k in 0..<rows.count * n {
        pairs.place(embedding, from: first + k / n, count: 1, row: k, column: 0)
      }
      pairs.place(heads, from: first * n, count: rows.count * n, row: 0, column: width)
      let part = try draft.multiply(pairs, prefix + "eh_proj.weight")
      out.place(part.reshaped(width: n * width), row: first, column: 0)
    }
    return out
  }
}
