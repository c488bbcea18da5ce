import Testing

@testable import QuernModels

@Suite struct TokenChunksTests {
  @Test func chunksBeginWithTheTokenThatBeginsTextsAndTheRestIsDropped() {
    let chunks = TokenChunks([9, 2, 3, 4, 5, 6, 7], length: 3, beginning: 1)
    #expect(chunks.batch.tokens == [1, 2, 3, 1, 5, 6])
    #expect(chunks.batch.sequences == [0..<3, 3..<6])
    #expect(chunks.length == 3 && chunks.count == 2)
  }

  @Test func withoutABeginningEveryTokenStays() {
    #expect(TokenChunks([9, 2, 3, 4], length: 2, beginning: nil).batch.tokens == [9, 2, 3, 4])
  }

  @Test func noMoreChunksThanAskedFor() {
    let chunks = TokenChunks([9, 2, 3, 4], length: 1, beginning: nil, limit: 3)
    #expect(chunks.batch.tokens == [9, 2, 3])
  }

  @Test func fewTokensAreOneShortChunk() {
    let chunks = TokenChunks([9, 2], length: 3, beginning: 1)
    #expect(chunks.batch.tokens == [1, 2] && chunks.length == 2)
    #expect(TokenChunks([], length: 3, beginning: 1).count == 0)
  }
}
