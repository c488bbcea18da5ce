/// A text's tokens in sequences of one length, as llama.cpp's imatrix tool cuts them: what is left
/// behind the last whole chunk is dropped, and the first token of each chunk is replaced by the one
/// that begins texts.
package struct TokenChunks: Equatable, Sendable {
  package let batch: TokenBatch
  /// Tokens of a chunk.
  package let length: Int

  package var count: Int { batch.sequences.count }

  /// - Parameters:
  ///   - tokens: all tokens; fewer than `length` are one short chunk.
  ///   - beginning: the token that begins texts; nil where the model wants none.
  ///   - limit: chunks at most.
  package init(_ tokens: [UInt32], length: Int, beginning: UInt32?, limit: Int? = nil) {
    precondition(length > 0)
    let length = max(1, min(length, tokens.count))
    self.length = length
    let count = min(tokens.count / length, limit ?? .max)
    batch = TokenBatch(
      (0..<count).map { index in
        var chunk = Array(tokens[index * length..<(index + 1) * length])
        if let beginning { chunk[0] = beginning }
        return chunk
      })
  }
}
