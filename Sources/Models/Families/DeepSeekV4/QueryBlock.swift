/// Queries of one sequence whose scores are computed at once.
struct QueryBlock: Sendable {
  let sequence: Int
  let rows: Range<Int>
}

extension TokenBatch {
  /// The rows of a range in blocks, counted from the first row of each sequence.
  func queryBlocks(of size: Int, in range: Range<Int>) -> [QueryBlock] {
    var blocks: [QueryBlock] = []
    for (index, sequence) in sequences.enumerated() {
      for first in stride(from: sequence.lowerBound, to: sequence.upperBound, by: size) {
        let rows = first..<min(first + size, sequence.upperBound)
        let wanted = rows.clamped(to: range)
        if !wanted.isEmpty { blocks.append(QueryBlock(sequence: index, rows: wanted)) }
      }
    }
    return blocks
  }
}
