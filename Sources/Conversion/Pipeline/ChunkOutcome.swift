import QuernCertificates

/// What one chunk adds to its tensor's certificate row.
struct ChunkOutcome: Sendable {
  var sums = ErrorSums()
  /// Weighted sums of source² and of (source − output)²; zero where nothing is weighted.
  var weighted = WeightedSums()
  var counts = CertificateRow.Counts()
  /// The largest bound of its blocks; nil where one has none.
  var errorBound: Double?
  /// BLAKE3 of the output bytes.
  var hash: [UInt8] = []
  /// BLAKE3 of codes and of scales of each source segment.
  var sourceHashes: [(codes: [UInt8], scales: [UInt8]?)] = []
}
