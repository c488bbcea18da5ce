import QuernCheckpoints

/// How an output tensor is cut into chunks of whole rows.
///
/// The rule knows only shapes and types, so that hashes and sums are the same for any number of
/// threads, processes and machines: about 1 MiB of source a chunk, a whole number of granules (rows
/// that cannot be separated: a head, the rows of one scale), never across two parts of a stack.
public struct ChunkGrid: Hashable, Sendable {
  /// Sources stacked along the first dimension; 1 for all else.
  public let parts: Int
  public let rowsPerPart: Int
  /// Rows of every chunk of a part but the last.
  public let chunkRows: Int

  package static let targetByteCount = 1 << 20

  package init(parts: Int, rowsPerPart: Int, chunkRows: Int) {
    self.parts = parts
    self.rowsPerPart = rowsPerPart
    self.chunkRows = chunkRows
  }

  /// - Parameters:
  ///   - sourceRowByteCount: bytes of the sources of one output row, scales left out.
  ///   - granule: rows that must stay together.
  package init(parts: Int, rowsPerPart: Int, sourceRowByteCount: Int, granule: Int) {
    let rows = Self.targetByteCount / max(1, sourceRowByteCount)
    self.init(
      parts: parts, rowsPerPart: rowsPerPart,
      chunkRows: max(1, min(max(granule, rows / granule * granule), rowsPerPart)))
  }

  /// The rows of one scale stay together, so that scales are read once, while they are few. A scale
  /// for more than 16 chunks is read by each of them: memory must not follow from a block size.
  package static func granule(rowsPerScale: Int, sourceRowByteCount: Int) -> Int {
    let limit = 16 * targetByteCount / max(1, sourceRowByteCount)
    return rowsPerScale <= limit ? max(1, rowsPerScale) : 1
  }

  package var chunksPerPart: Int { rowsPerPart.dividedRoundingUp(by: chunkRows) }
  package var chunkCount: Int { parts * chunksPerPart }

  /// The part of a chunk and its rows within that part.
  package func rows(ofChunk chunk: Int) -> (part: Int, rows: Range<Int>) {
    let (part, within) = chunk.quotientAndRemainder(dividingBy: chunksPerPart)
    let first = within * chunkRows
    return (part, first..<min(first + chunkRows, rowsPerPart))
  }
}
