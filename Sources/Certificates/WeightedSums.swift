import CKernels

/// What a comparison added up to whose errors count by weights, in the order of `ErrorSums`.
package struct WeightedSums: Equatable, Sendable {
  /// Sum of weight · source².
  package var signal = 0.0
  /// Sum of weight · (source − output)².
  package var noise = 0.0

  package init() {}

  /// The sums of one chunk.
  package init(_ sums: quern_weighted_sums) {
    signal = Self.tree(sums.signal)
    noise = Self.tree(sums.noise)
  }

  private static func tree<Lanes>(_ lanes: Lanes) -> Double {
    withUnsafeBytes(of: lanes) { bytes in
      ErrorSums.sum(
        ofLanes: (0..<16).map { bytes.load(fromByteOffset: 8 * $0, as: Double.self) })
    }
  }

  /// The sums of all chunks of a tensor: neighbours are added, then neighbours of these.
  package static func sum(ofChunks chunks: [WeightedSums]) -> WeightedSums {
    var level = chunks
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map { index in
        var sum = level[index]
        if index + 1 < level.count {
          sum.signal += level[index + 1].signal
          sum.noise += level[index + 1].noise
        }
        return sum
      }
    }
    return level.first ?? WeightedSums()
  }
}
