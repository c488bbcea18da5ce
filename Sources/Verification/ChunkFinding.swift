import QuernCertificates

/// What one chunk showed.
struct ChunkFinding: Sendable {
  var sums = ErrorSums()
  var counts = CertificateRow.Counts()
  /// The largest bound of its blocks; nil where one has none.
  var errorBound: Double?
  /// The first output row that is not what the method gives.
  var wrongRow: Int?
  /// What integers showed beside their values.
  var integers = IntegerFinding()
  /// BLAKE3 of the output bytes.
  var digest: [UInt8] = []
  /// BLAKE3 of codes and of scales of each source.
  var sourceDigests: [(codes: [UInt8], scales: [UInt8]?)] = []
}

/// What all chunks of a tensor showed together.
struct TensorFinding: Sendable {
  var sums = ErrorSums()
  var counts = CertificateRow.Counts()
  var errorBound: Double?
  /// The first output row that is not what the method gives.
  var wrongRow: Int?
  var integers = IntegerFinding()
  var hash = ""
  var sources: [(hash: String, scaleHash: String?)] = []

  /// - Parameter parts: parts of a stack, each of which has chunks of its own; nil for all else,
  ///   where every chunk holds rows of every source.
  init(_ chunks: [ChunkFinding], parts: Int?) {
    sums = ErrorSums.sum(ofChunks: chunks.map(\.sums))
    for chunk in chunks {
      counts.zeroBlocks += chunk.counts.zeroBlocks
      counts.subnormalScales += chunk.counts.subnormalScales
      counts.zeroedNonFinite += chunk.counts.zeroedNonFinite
      if let rows = chunk.counts.exactRows { counts.exactRows = (counts.exactRows ?? 0) + rows }
      integers.add(chunk.integers)
    }
    let bounds = chunks.compactMap(\.errorBound)
    errorBound = bounds.count == chunks.count ? bounds.max() : nil
    wrongRow = chunks.lazy.compactMap(\.wrongRow).first
    hash = Self.combined(chunks.map(\.digest))
    guard let first = chunks.first else { return }
    if let parts {
      let perPart = chunks.count / parts
      sources = (0..<parts).map { part in
        Self.source(chunks[part * perPart..<(part + 1) * perPart].map { $0.sourceDigests.first })
      }
    } else {
      sources = first.sourceDigests.indices.map { index in
        Self.source(chunks.map { $0.sourceDigests[index] })
      }
    }
  }

  private static func source(_ digests: [(codes: [UInt8], scales: [UInt8]?)?])
    -> (hash: String, scaleHash: String?)
  {
    let scales = digests.compactMap { $0?.scales }
    return (
      combined(digests.compactMap { $0?.codes }), scales.isEmpty ? nil : combined(scales)
    )
  }

  /// BLAKE3 over the digests of the chunks, in order.
  private static func combined(_ digests: [[UInt8]]) -> String {
    var hash = IncrementalHash()
    for digest in digests { hash.update(digest) }
    return hash.finish().hexadecimal
  }
}
