import QuernModels

/// The tokens that both models are given, and which of their guesses count.
package struct ParityTokens: Sendable {
  package let batch: TokenBatch
  /// What to call them.
  package let source: String
  /// The first row of each sequence whose guess counts.
  private let firstScored: [Int]

  /// Sequences as they are: every token but the last has its guess compared.
  package init(sequences: [[UInt32]], source: String) {
    batch = TokenBatch(sequences)
    self.source = source
    firstScored = sequences.map { _ in 0 }
  }

  /// Chunks of a text: the guesses of the second half count, as in llama-perplexity, for they are made
  /// with at least half a chunk of text before.
  package init(_ chunks: TokenChunks, source: String) {
    batch = chunks.batch
    self.source = source
    firstScored = batch.sequences.map { _ in chunks.length / 2 }
  }

  /// The rows whose guesses are compared, with the tokens that follow.
  var scored: (rows: [Int], targets: [UInt32]) {
    var (rows, targets) = ([Int](), [UInt32]())
    for (sequence, first) in zip(batch.sequences, firstScored) where sequence.count > 1 {
      for row in sequence.lowerBound + first..<sequence.upperBound - 1 {
        rows.append(row)
        targets.append(batch.tokens[row + 1])
      }
    }
    return (rows, targets)
  }
}
