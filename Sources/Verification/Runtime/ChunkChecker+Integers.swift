import QuernCertificates
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

extension ChunkChecker {
  /// Checks a chunk of a matrix of integers: every part is hashed, decoded and derived again.
  ///
  /// - Returns: what it showed, and how many bytes were looked at.
  func checkIntegers(_ tensor: CheckedTensor, _ storage: IntegerStorage, chunk: Int)
    throws(FileError) -> (ChunkFinding, Int)
  {
    let (part, rows) = tensor.grid.rows(ofChunk: chunk)
    let first = part * tensor.grid.rowsPerPart
    let stored = try StoredRows(
      tensor, storage, rows: first + rows.lowerBound..<first + rows.upperBound, files: files)
    let runs = try self.runs(of: tensor, part: part, rows: rows)
    var finding = ChunkFinding()
    var hash = IncrementalHash()
    for bytes in stored.bytes { hash.update(bytes) }
    finding.digest = hash.finish()
    finding.sourceDigests = runs.map {
      (Self.digest($0.codes), $0.tensor.scale == nil ? nil : Self.digest($0.scales))
    }
    RelaidCodes(stored)?.check(&finding.integers)
    compareIntegers(tensor, stored, runs, firstRow: rows.lowerBound, into: &finding)
    let sourceByteCount = runs.reduce(0) { $0 + $1.codes.count + $1.scales.count }
    return (finding, stored.byteCount + sourceByteCount)
  }

  /// - Parameter firstRow: the chunk's first in its part of a stack.
  private func compareIntegers(
    _ tensor: CheckedTensor, _ stored: StoredRows, _ runs: [SourceRun], firstRow: Int,
    into finding: inout ChunkFinding
  ) {
    let granule = tensor.rowGranule
    let wanted = max(1, Self.tileElementCount / max(1, tensor.rowLength))
    let tileRows = max(granule, wanted / granule * granule)
    var comparison = LaneComparison()
    for first in stride(from: 0, to: stored.rows.count, by: tileRows) {
      let rows = first..<min(first + tileRows, stored.rows.count)
      let tile = stored.tile(rows)
      tile.decode(into: &decoded)
      DerivedParts(stored, tile, rows).check(&finding.integers)
      decodeSourceRows(tensor, runs, rows, firstRow: firstRow, into: &finding)
      if !source.isEmpty {
        judge(tensor, stored, tile, runs, rows, firstRow, into: &finding)
      }
      compareTile(
        position: first * tensor.rowLength, hasSource: !source.isEmpty, &comparison)
    }
    finding.sums = comparison.sums
  }

  /// The source's values of some rows; empty without a source.
  private func decodeSourceRows(
    _ tensor: CheckedTensor, _ runs: [SourceRun], _ rows: Range<Int>, firstRow: Int,
    into finding: inout ChunkFinding
  ) {
    guard !runs.isEmpty else {
      source = []
      return
    }
    decodeSource(tensor, runs, nil, rows, firstRow: firstRow)
    if tensor.replacesNonFinite {
      finding.counts.zeroedNonFinite += Self.replaceNonFinite(in: &source)
    }
    tensor.rotation?.apply(to: &source, rowLength: tensor.rowLength)
  }

  /// Compares rows with the method, or with what their type explains, and multiplies with them.
  private func judge(
    _ tensor: CheckedTensor, _ stored: StoredRows, _ tile: IntegerTile, _ runs: [SourceRun],
    _ rows: Range<Int>, _ firstRow: Int, into finding: inout ChunkFinding
  ) {
    let chunkRow = stored.rows.lowerBound
    finding.counts.exactRows = (finding.counts.exactRows ?? 0) + equalRowCount(tile)
    if finding.wrongRow == nil, let method = tensor.method {
      var scales: [UInt8]?
      // A NaN scale has no grid: the chunk that holds one is encoded from values.
      if method == .gridAware, let run = runs.first, !run.scales.contains(255) {
        scales = gridScales(tensor, run, rows, firstRow: firstRow)
      }
      let rules = IntegerRules(method: method, isWeighted: tensor.isWeighted, tile: tile)
      if let row = rules.firstWrongRow(source: source, decoded: decoded, gridScales: scales) {
        finding.wrongRow = chunkRow + rows.lowerBound + row
      }
    }
    if finding.integers.farRow == nil, let tolerance = tensor.tolerance {
      finding.integers.farRow = tolerance.firstFarRow(
        source: source, decoded: decoded, tile: tile, firstRow: chunkRow + rows.lowerBound)
    }
    if let parity = tensor.parity {
      parity.multiply(source, tile, stored, rows, into: &finding.integers.parity)
    }
  }

  private func equalRowCount(_ tile: IntegerTile) -> Int {
    let length = tile.rowLength
    return source.withUnsafeBufferPointer { source in
      decoded.withUnsafeBufferPointer { decoded in
        (0..<tile.rowCount).count { row in
          (row * length..<(row + 1) * length).allSatisfy { source[$0] == decoded[$0] }
        }
      }
    }
  }
}
