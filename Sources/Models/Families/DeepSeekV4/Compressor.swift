#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes one entry of every `ratio` tokens of a sequence; a last window that is not full makes none.
///
///     K = kv · x,   Z = gate · x + ape[position mod ratio]
///     entry = rms(Σ over the window of softmax over the window (per channel) of Z · K; norm),
///     turned to the position of the window's first token
///
/// Windows of 4 overlap: K and Z have twice the channels; an entry is made of eight tokens, the
/// previous window's with the first half of theirs, this window's with the second.
struct Compressor: Sendable {
  /// The ratio whose windows overlap, and whose entries an indexer chooses from.
  static let overlappingRatio = 4

  private let prefix: String
  private let ratio: Int
  private let width: Int
  private let rotary: Rotary
  private let norm: RMSNorm
  private let ape: [Float]

  /// - Parameter prefix: of the weights' names, as `blk.2.attn_compressor_`.
  init(
    _ prefix: String, ratio: Int, width: Int, _ numbers: DeepSeekV4Numbers, _ products: Products
  ) throws(ModelError) {
    (self.prefix, self.ratio, self.width) = (prefix, ratio, width)
    rotary = numbers.compressedRotary
    norm = try RMSNorm(prefix + "norm.weight", width: width, epsilon: numbers.epsilon, products)
    ape = try products.weights.values(
      prefix + "ape.weight", shape: [ratio, Self.columns(ratio: ratio, width: width)])
  }

  /// Channels of a token's K and Z.
  static func columns(ratio: Int, width: Int) -> Int {
    ratio == overlappingRatio ? 2 * width : width
  }

  /// The entries of each sequence: [its tokens / ratio, width].
  func entries(_ x: Activations, _ batch: TokenBatch, _ products: Products) throws(ModelError)
    -> [Activations]
  {
    let keys = try products.multiply(x, prefix + "kv.weight")
    let gates = try products.multiply(x, prefix + "gate.weight")
    let entries = batch.sequences.map { Activations(rows: $0.count / ratio, width: width) }
    let windows = entries.enumerated().flatMap { sequence, entries in
      (0..<entries.rowCount).map { (sequence: sequence, window: $0) }
    }
    try products.workers.run(windows.count) { _, task in
      let (sequence, window) = windows[task]
      let target = entries[sequence].row(window)
      let firstRow = batch.sequences[sequence].lowerBound
      mix(slots(of: window, firstRow: firstRow), keys, gates, into: target)
      norm.normalize(target)
    }
    for entries in entries {
      rotary.apply(
        entries, headWidth: width, offset: width - rotary.width,
        positions: (0..<entries.rowCount).map { $0 * ratio })
    }
    return entries
  }

  /// A token that an entry is made of, and which of its channels.
  private struct Slot {
    let row: Int
    let column: Int
    /// First value of its position's part of `ape`.
    let ape: Int
  }

  private func slots(of window: Int, firstRow: Int) -> [Slot] {
    func slots(_ window: Int, column: Int) -> [Slot] {
      (0..<ratio).map {
        Slot(
          row: firstRow + window * ratio + $0, column: column,
          ape: $0 * Self.columns(ratio: ratio, width: width) + column)
      }
    }
    guard ratio == Self.overlappingRatio else { return slots(window, column: 0) }
    let previous = window > 0 ? slots(window - 1, column: 0) : []
    return previous + slots(window, column: width)
  }

  /// Σ softmax(Z) K over the slots, channel by channel.
  private func mix(
    _ slots: [Slot], _ keys: Activations, _ gates: Activations,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let logits = Activations(rows: slots.count, width: width)
    defer { withExtendedLifetime(logits) {} }
    var (tops, sums) = (
      [Float](repeating: -.infinity, count: width), [Float](repeating: 0, count: width)
    )
    for (place, slot) in slots.enumerated() {
      let (z, row) = (gates.row(slot.row), logits.row(place))
      for channel in 0..<width {
        row[channel] = z[slot.column + channel] + ape[slot.ape + channel]
        tops[channel] = max(tops[channel], row[channel])
      }
    }
    for (place, slot) in slots.enumerated() {
      let (k, row) = (keys.row(slot.row), logits.row(place))
      for channel in 0..<width {
        let weight = expf(row[channel] - tops[channel])
        sums[channel] += weight
        target[channel] += weight * k[slot.column + channel]
      }
    }
    for channel in 0..<width { target[channel] /= sums[channel] }
  }
}
