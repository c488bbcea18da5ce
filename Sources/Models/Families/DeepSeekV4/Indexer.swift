#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Chooses the compressed entries that a query sees, in layers of ratio 4.
///
///     q = attn_q_b · qr, heads of width e turned like attention's; k_j = entries of a compressor
///     score_j = Σ over h heads of w_h · relu(q_h · k_j),   w = proj · x · e^-½ · h^-½
///
/// The `top_k` entries of the highest score among those whose tokens the query has seen, of equal ones
/// the lowest first; all where there are no more. The rounding of q and k to FP4 in DeepSeek's own code,
/// with the Hadamard rotation before it, is left out, as in transformers.
struct Indexer: Sendable {
  private let prefix: String
  private let numbers: DeepSeekV4Numbers
  private let compressor: Compressor

  init(_ prefix: String, _ numbers: DeepSeekV4Numbers, _ products: Products) throws(ModelError) {
    self.prefix = prefix
    self.numbers = numbers
    compressor = try Compressor(
      prefix + "indexer_compressor_", ratio: Compressor.overlappingRatio,
      width: numbers.indexWidth, numbers, products)
  }

  /// Rows whose queries are held at once.
  private static let rowsAtOnce = 1024
  /// Queries of all heads that are multiplied with the keys at once.
  private static let queriesAtOnce = 256

  /// - Parameters:
  ///   - x: the layer's input: [rows, D].
  ///   - lowRank: attention's normalized low-rank queries: [rows, rank].
  /// - Returns: the chosen entries of each row, in ascending order.
  func choose(
    _ x: Activations, lowRank: Activations, _ batch: TokenBatch, _ products: Products
  ) throws(ModelError) -> [[Int32]] {
    let keys = try compressor.entries(x, batch, products)
    let factors = try products.multiply(x, prefix + "indexer.proj.weight")
    let chosen = ChosenEntries(rowCount: x.rowCount)
    for first in stride(from: 0, to: x.rowCount, by: Self.rowsAtOnce) {
      let rows = first..<min(first + Self.rowsAtOnce, x.rowCount)
      let queries = try products.multiply(
        lowRank.gathered(rows), prefix + "indexer.attn_q_b.weight"
      ).reshaped(width: numbers.indexWidth)
      let size = max(1, Self.queriesAtOnce / numbers.indexHeads)
      let blocks = batch.queryBlocks(of: size, in: rows)
      try products.workers.run(blocks.count) { _, task in
        let block = blocks[task]
        choose(
          block, firstRow: first, sequence: batch.sequences[block.sequence], queries, factors,
          keys[block.sequence], into: chosen)
      }
    }
    return chosen.rows
  }

  /// - Parameter firstRow: the row whose heads are the first of `queries`.
  private func choose(
    _ block: QueryBlock, firstRow: Int, sequence: Range<Int>, _ queries: Activations,
    _ factors: Activations, _ keys: Activations, into chosen: ChosenEntries
  ) {
    let ready = { (row: Int) in (row - sequence.lowerBound + 1) / Compressor.overlappingRatio }
    let most = ready(block.rows.upperBound - 1)
    guard most > numbers.indexCount else {
      for row in block.rows { chosen[row] = (0..<Int32(ready(row))).map { $0 } }
      return
    }
    let (heads, width) = (numbers.indexHeads, numbers.indexWidth)
    let first = (block.rows.lowerBound - firstRow) * heads
    rotate(queries, first, block, sequence)
    let dots = Activations(rows: block.rows.count * heads, width: most)
    ActivationBlock.multiply(
      queries.block(first), rows: dots.rowCount, keys.block(), rows: most, inner: width,
      into: dots.block())
    let scores = Activations(rows: 1, width: most)
    defer { withExtendedLifetime((dots, scores)) {} }
    for (place, row) in block.rows.enumerated() {
      let count = ready(row)
      scores.values.update(repeating: 0)
      for head in 0..<heads {
        let factor = factors.row(row)[head] * scale
        let dot = dots.row(place * heads + head)
        for entry in 0..<count { scores.values[entry] += factor * max(0, dot[entry]) }
      }
      let seen = UnsafeBufferPointer(rebasing: scores.values[..<count])
      let best = TopK.indices(seen, count: numbers.indexCount)
      chosen[row] = best.map(Int32.init).sorted()
    }
  }

  private var scale: Float {
    1 / Float(numbers.indexWidth).squareRoot() / Float(numbers.indexHeads).squareRoot()
  }

  private func rotate(
    _ queries: Activations, _ first: Int, _ block: QueryBlock, _ sequence: Range<Int>
  ) {
    let heads = numbers.indexHeads
    numbers.compressedRotary.apply(
      queries, rows: first..<first + block.rows.count * heads, headWidth: numbers.indexWidth,
      offset: numbers.indexWidth - numbers.rotaryWidth,
      positions: block.rows.flatMap { Array(repeating: $0 - sequence.lowerBound, count: heads) })
  }
}

/// The entries of each row; one thread at a time writes a row's.
private final class ChosenEntries: @unchecked Sendable {
  private let entries: UnsafeMutableBufferPointer<[Int32]>

  init(rowCount: Int) {
    entries = .allocate(capacity: rowCount)
    entries.initialize(repeating: [])
  }

  deinit {
    entries.deinitialize()
    entries.deallocate()
  }

  subscript(row: Int) -> [Int32] {
    get { entries[row] }
    set { entries[row] = newValue }
  }

  var rows: [[Int32]] { Array(entries) }
}
