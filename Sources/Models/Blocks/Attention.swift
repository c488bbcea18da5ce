/// Causal attention: softmax(q·k·scale) over the keys of the same sequence up to the query, times their
/// values. Several query heads may share a key head; a query may see the last keys only.
package struct Attention: Sendable {
  let heads: Int
  let keyHeads: Int
  /// Channels of a query or key head, and of a value head.
  let keyWidth: Int
  let valueWidth: Int
  let scale: Float
  /// Keys that a query sees, its own the last of them; nil for all.
  var window: Int?

  package init(
    heads: Int, keyHeads: Int, keyWidth: Int, valueWidth: Int, scale: Float, window: Int? = nil
  ) {
    (self.heads, self.keyHeads) = (heads, keyHeads)
    (self.keyWidth, self.valueWidth) = (keyWidth, valueWidth)
    (self.scale, self.window) = (scale, window)
  }

  /// Queries whose scores are held at once.
  private static let blockRows = 64

  /// - Parameters:
  ///   - q: [rows, heads · keyWidth].
  ///   - k: [rows, keyHeads · keyWidth].
  ///   - v: [rows, keyHeads · valueWidth].
  /// - Returns: [rows, heads · valueWidth].
  package func attend(
    _ q: Activations, _ k: Activations, _ v: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> Activations {
    let out = Activations(rows: q.rowCount, width: heads * valueWidth)
    let (heads, sequences) = (heads, batch.sequences)
    let precision = products.cache
    let isHalf = precision == .f16
    let (q, k) = isHalf ? (HalfPrecision.rounded(q), HalfPrecision.rounded(k)) : (q, k)
    let v = isHalf ? HalfPrecision.rounded(v) : v
    try products.workers.run(sequences.count * heads) { _, task in
      attend(q, k, v, precision, rows: sequences[task / heads], head: task % heads, into: out)
    }
    return out
  }

  private func attend(
    _ q: Activations, _ k: Activations, _ v: Activations, _ precision: CachePrecision,
    rows: Range<Int>, head: Int, into out: Activations
  ) {
    let keyHead = head / (heads / keyHeads)
    let columns = precision == .f32 ? columns(of: v, rows, first: keyHead * valueWidth) : v
    let scores = Activations(rows: min(Self.blockRows, rows.count), width: rows.count)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.blockRows) {
      let queries = first..<min(first + Self.blockRows, rows.upperBound)
      let keyCount = queries.upperBound - rows.lowerBound
      ActivationBlock.multiply(
        q.block(queries.lowerBound, head * keyWidth), rows: queries.count,
        k.block(rows.lowerBound, keyHead * keyWidth), rows: keyCount, inner: keyWidth,
        into: scores.block())
      switch precision {
      case .f16: mixCached(v, keyHead, scores, queries, rows, head: head, into: out)
      case .f32:
        weigh(scores, queries, rows)
        ActivationBlock.multiply(
          scores.block(), rows: queries.count, columns.block(), rows: valueWidth, inner: keyCount,
          into: out.block(queries.lowerBound, head * valueWidth))
      }
    }
  }

  /// The keys that a query sees, from the first of its sequence on.
  private func seen(by query: Int, _ rows: Range<Int>) -> Range<Int> {
    let end = query - rows.lowerBound + 1
    return max(0, end - (window ?? end))..<end
  }

  /// Scores become weights; those of keys that are not seen 0.
  private func weigh(_ scores: Activations, _ queries: Range<Int>, _ rows: Range<Int>) {
    for query in queries {
      let row = scores.row(query - queries.lowerBound)
      let seen = seen(by: query, rows)
      for key in seen { row[key] *= scale }
      Softmax.apply(UnsafeMutableBufferPointer(rebasing: row[seen]))
      for key in 0..<seen.lowerBound { row[key] = 0 }
      for key in seen.upperBound..<rows.count { row[key] = 0 }
    }
  }

  private func mixCached(
    _ v: Activations, _ keyHead: Int, _ scores: Activations, _ queries: Range<Int>,
    _ rows: Range<Int>, head: Int, into out: Activations
  ) {
    for query in queries {
      let row = scores.row(query - queries.lowerBound)
      let seen = seen(by: query, rows)
      guard let values = v.row(rows.lowerBound + seen.lowerBound).baseAddress else { continue }
      let place = out.row(query)[head * valueWidth..<(head + 1) * valueWidth]
      CachedAttention(scale: scale).mix(
        UnsafeMutableBufferPointer(rebasing: row[seen]),
        values: values + keyHead * valueWidth, stride: v.width,
        into: UnsafeMutableBufferPointer(rebasing: place))
    }
  }

  /// The values of a head with channels as rows: [valueWidth, keys].
  private func columns(of v: Activations, _ rows: Range<Int>, first: Int) -> Activations {
    let result = Activations(rows: valueWidth, width: rows.count)
    for (place, row) in rows.enumerated() {
      let values = v.row(row)
      for channel in 0..<valueWidth {
        result.values[channel * rows.count + place] = values[first + channel]
      }
    }
    return result
  }
}
