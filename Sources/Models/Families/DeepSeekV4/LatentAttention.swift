/// DeepSeek-V4's attention, with heads of width d and one shared head of keys that are the values too.
///
///     qr = rms(q_a · x; q_a_norm);  q = q_b · qr, each head through an RMS norm without weights
///     kv = rms(kv · x; kv_a_norm)
///     the last channels of q and kv turned to their positions, adjacent channels as pairs
///     query t sees the window t - window + 1 … t and, where the layer compresses by r, of the entries
///     j < ⌊(t + 1)/r⌋ all (r = 128) or those that the indexer chooses (r = 4)
///     p = softmax(q · k · d^-½), the logit sinks[head] in the denominator alone;  o = Σ p · k
///     o turned back by the query's position
///     the heads in groups, group g times rows g·rank ..< (g + 1)·rank of output_a; side by side
///     through output_b
///
/// The rounding of kv to FP8 in DeepSeek's own code is left out, as in transformers.
struct LatentAttention: Sendable {
  private let prefix: String
  private let numbers: DeepSeekV4Numbers
  private let ratio: Int
  private let rotary: Rotary
  private let sinks: [Float]

  init(layer: Int, _ numbers: DeepSeekV4Numbers, _ products: Products) throws(ModelError) {
    prefix = "blk.\(layer)."
    self.numbers = numbers
    ratio = numbers.ratio(layer)
    rotary = numbers.rotary(layer)
    sinks = try products.weights.values(prefix + "attn_sinks.weight", shape: [numbers.heads])
  }

  private var groupHeads: Int { numbers.heads / numbers.groups }
  private var rotaryOffset: Int { numbers.headWidth - numbers.rotaryWidth }
  /// Queries of all heads of a group whose scores are computed at once.
  private static let queriesAtOnce = 128

  /// - Parameter x: [rows, D].
  /// - Returns: [rows, D], and the entries that the indexer chose for each row.
  func run(_ x: Activations, _ batch: TokenBatch, _ products: Products) throws(ModelError)
    -> (output: Activations, chosen: [[Int32]]?)
  {
    let lowRank = try normalized(x, "attn_q_a", width: numbers.queryRank, products)
    let keys = try keys(x, lowRank, batch, products)
    let mixed = Activations(rows: x.rowCount, width: numbers.groups * numbers.outputRank)
    for group in 0..<numbers.groups {
      let heads = try attend(group, lowRank, keys, batch, products)
      let rank = numbers.outputRank
      let part = try products.multiply(
        heads, prefix + "attn_output_a.weight", outputs: group * rank..<(group + 1) * rank)
      mixed.place(part, row: 0, column: group * rank)
    }
    return (try products.multiply(mixed, prefix + "attn_output_b.weight"), keys.chosen)
  }

  private func normalized(_ x: Activations, _ name: String, width: Int, _ products: Products)
    throws(ModelError) -> Activations
  {
    let out = try products.multiply(x, "\(prefix)\(name).weight")
    let norm = name == "attn_kv" ? "attn_kv_a_norm" : name + "_norm"
    try RMSNorm("\(prefix)\(norm).weight", width: width, epsilon: numbers.epsilon, products)
      .normalize(out)
    return out
  }

  private func keys(
    _ x: Activations, _ lowRank: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> LatentKeys {
    let width = numbers.headWidth
    let window = try normalized(x, "attn_kv", width: width, products)
    rotary.apply(window, headWidth: width, offset: rotaryOffset, positions: batch.positions)
    guard ratio > 0 else { return LatentKeys(window: window, entries: [], chosen: nil) }
    let compressor = try Compressor(
      prefix + "attn_compressor_", ratio: ratio, width: width, numbers, products)
    let entries = try compressor.entries(x, batch, products)
    guard ratio == Compressor.overlappingRatio else {
      return LatentKeys(window: window, entries: entries, chosen: nil)
    }
    let indexer = try Indexer(prefix, numbers, products)
    let chosen = try indexer.choose(x, lowRank: lowRank, batch, products)
    return LatentKeys(window: window, entries: entries, chosen: chosen)
  }

  /// The heads of a group: [rows, heads · width].
  private func attend(
    _ group: Int, _ lowRank: Activations, _ keys: LatentKeys, _ batch: TokenBatch,
    _ products: Products
  ) throws(ModelError) -> Activations {
    let (heads, width) = (groupHeads, numbers.headWidth)
    let outputs = group * heads * width..<(group + 1) * heads * width
    let queries = try products.multiply(
      lowRank, prefix + "attn_q_b.weight", outputs: outputs, isObserved: group == 0
    ).reshaped(width: width)
    let out = Activations(rows: queries.rowCount, width: width)
    let size = max(1, Self.queriesAtOnce / heads)
    let blocks = batch.queryBlocks(of: size, in: 0..<lowRank.rowCount)
    try products.workers.run(blocks.count) { _, task in
      let block = blocks[task]
      let sequence = batch.sequences[block.sequence]
      let rows = block.rows.lowerBound * heads..<block.rows.upperBound * heads
      let positions = block.rows.flatMap {
        Array(repeating: $0 - sequence.lowerBound, count: heads)
      }
      let norm = RMSNorm(nil, width: width, epsilon: numbers.epsilon)
      for row in rows { norm.normalize(queries.row(row)) }
      rotary.apply(
        queries, rows: rows, headWidth: width, offset: rotaryOffset, positions: positions)
      attend(block, sequence, queries, keys, firstHead: group * heads, into: out)
      rotary.apply(
        out, rows: rows, headWidth: width, offset: rotaryOffset, positions: positions,
        isInverse: true)
    }
    return out.reshaped(width: heads * width)
  }

  /// Scores of a block in one matrix, the window's columns before the entries'.
  private func attend(
    _ block: QueryBlock, _ sequence: Range<Int>, _ queries: Activations, _ keys: LatentKeys,
    firstHead: Int, into out: Activations
  ) {
    let (heads, width) = (groupHeads, numbers.headWidth)
    let firstKey = max(sequence.lowerBound, block.rows.lowerBound - numbers.window + 1)
    let keyCount = block.rows.upperBound - firstKey
    let entryCount = ready(block.rows.upperBound - 1, sequence)
    let (first, count) = (block.rows.lowerBound * heads, block.rows.count * heads)
    let scores = Activations(rows: count, width: keyCount + entryCount)
    defer { withExtendedLifetime(scores) {} }
    ActivationBlock.multiply(
      queries.block(first), rows: count, keys.window.block(firstKey), rows: keyCount,
      inner: width, into: scores.block())
    if entryCount > 0 {
      ActivationBlock.multiply(
        queries.block(first), rows: count, keys.entries[block.sequence].block(),
        rows: entryCount, inner: width, into: scores.block(0, keyCount))
    }
    for row in 0..<count {
      let query = block.rows.lowerBound + row / heads
      weigh(
        scores.row(row), query: query - firstKey, keyCount: keyCount,
        ready: ready(query, sequence), chosen: keys.chosen?[query],
        sink: sinks[firstHead + row % heads])
    }
    ActivationBlock.multiply(
      scores.block(), rows: count, keys.windowColumns.block(0, firstKey), rows: width,
      inner: keyCount, into: out.block(first))
    guard entryCount > 0 else { return }
    let compressed = Activations(rows: count, width: width)
    ActivationBlock.multiply(
      scores.block(0, keyCount), rows: count, keys.entryColumns[block.sequence].block(),
      rows: width, inner: entryCount, into: compressed.block())
    defer { withExtendedLifetime(compressed) {} }
    for index in compressed.values.indices {
      out.values[first * width + index] += compressed.values[index]
    }
  }

  /// Entries of which a query has seen all tokens.
  private func ready(_ row: Int, _ sequence: Range<Int>) -> Int {
    ratio == 0 ? 0 : (row - sequence.lowerBound + 1) / ratio
  }

  /// Makes probabilities of a row's scores; what the query does not see gets 0.
  ///
  /// - Parameter query: the column of the query's own key.
  private func weigh(
    _ scores: UnsafeMutableBufferPointer<Float>, query: Int, keyCount: Int, ready: Int,
    chosen: [Int32]?, sink: Float
  ) {
    let scale = 1 / Float(numbers.headWidth).squareRoot()
    for column in scores.indices { scores[column] *= scale }
    for column in 0..<max(0, query - numbers.window + 1) { scores[column] = -.infinity }
    for column in query + 1..<keyCount { scores[column] = -.infinity }
    for column in keyCount + ready..<scores.count { scores[column] = -.infinity }
    if let chosen {
      var next = 0
      for entry in 0..<ready {
        if next < chosen.count, Int(chosen[next]) == entry {
          next += 1
        } else {
          scores[keyCount + entry] = -.infinity
        }
      }
    }
    Softmax.apply(scores, sink: sink)
  }
}
