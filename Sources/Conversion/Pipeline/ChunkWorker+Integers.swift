import CKernels
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

extension ChunkWorker {
  /// Converts the rows of a chunk to integers: codes, scales and what else the runtime wants, then
  /// decodes all of it again and compares.
  func convertIntegers(
    _ tensor: PlannedTensor, _ format: IntegerFormat, _ source: SourceChunk,
    _ output: UnsafeMutableRawBufferPointer, _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    let decoding = RowDecoding(
      kernels: kernels, buffers: buffers.sources, chunk: source, rowLength: tensor.rowLength)
    let parts = IntegerParts(
      kernels: kernels, tensor: tensor, format: format, rowCount: source.rowCount)
    let isOnGrid = try usesGrid(tensor, source, &outcome)
    var comparison = IntegerComparison()
    for first in stride(
      from: 0, to: source.rowCount, by: WorkerBuffers.tileRowCount(tensor))
    {
      let rows = first..<min(first + WorkerBuffers.tileRowCount(tensor), source.rowCount)
      let planes = planes(tensor, format, rows: rows.count)
      try fillWeights(tensor, firstRow: source.firstOutputRow, rows)
      var grid: GridRow?
      if isOnGrid, let segment = source.segments.first {
        let row = decoding.gridRow(
          segment, row: rows.lowerBound, elementCount: rows.count * tensor.rowLength)
        _ = kernels.encode(
          format.storage, rowLength: tensor.rowLength, row, weights: weights(tensor, rows),
          into: planes)
        grid = row
      } else {
        decoding.decode(rows: rows, into: buffers.source)
        try replaceNonFinite(tensor, source, rows: rows, &outcome)
        try rotate(tensor, source, rows: rows)
        encode(tensor, format, rows, into: planes)
      }
      let tile = IntegerTile(
        rows: rows, planes: planes, grid: grid, parts: parts, decoding: decoding, output: output)
      try checkScales(tensor, format, source, tile)
      parts.store(rows: rows, planes, into: output)
      compare(tensor, tile, &comparison)
    }
    guard parts.relay(output) else {
      throw .data(
        InputProblem(
          file: plan.outputName, tensor: tensor.name, field: "FRACTAL_NZ",
          found: "codes that do not come back the same", expected: "the same codes in another order"
        ))
    }
    outcome.sums = ErrorSums(comparison.plain)
    outcome.weighted = WeightedSums(comparison.weighted)
    outcome.counts.exactRows = comparison.exactRowCount
  }

  private func planes(_ tensor: PlannedTensor, _ format: IntegerFormat, rows: Int) -> IntegerPlanes
  {
    let scales = rows * format.storage.groupsPerRow(rowLength: tensor.rowLength)
    return IntegerPlanes(
      codes: UnsafeMutableBufferPointer(
        rebasing: buffers.integerCodes[..<(rows * tensor.rowLength)]),
      scales: UnsafeMutableBufferPointer(rebasing: buffers.integerScales[..<scales]))
  }

  private func weights(_ tensor: PlannedTensor, _ rows: Range<Int>) -> UnsafeBufferPointer<Float>? {
    guard tensor.importance != nil else { return nil }
    return UnsafeBufferPointer(rebasing: buffers.weights[..<(rows.count * tensor.rowLength)])
  }

  private func encode(
    _ tensor: PlannedTensor, _ format: IntegerFormat, _ rows: Range<Int>,
    into planes: IntegerPlanes
  ) {
    let values = UnsafeBufferPointer(
      rebasing: buffers.source[..<(rows.count * tensor.rowLength)])
    kernels.encode(
      format.storage, rowLength: tensor.rowLength, values,
      method: tensor.method == .absmax ? .absmax : .optimal, weights: weights(tensor, rows),
      into: planes)
  }

  /// Rows of smaller values have no scale that is a normal number: 127 · 2^-126.
  private static let scalableMagnitude: Float = 0x1.fcp-120

  /// A scale that its type cannot hold, or whose product with the input's scale none holds, would make
  /// its row infinite or zero.
  private func checkScales(
    _ tensor: PlannedTensor, _ format: IntegerFormat, _ source: SourceChunk, _ tile: IntegerTile
  ) throws(ConversionError) {
    let (rows, planes) = (tile.rows, tile.planes)
    let input = tensor.activation?.scale ?? 1
    // Encoders give 1 to zeros, and to what they cannot tell from zeros.
    guard planes.scales.contains(where: { !($0 * input).isNormal || $0 == 1 }) else { return }
    if tile.grid != nil { tile.decoding.decode(rows: rows, into: buffers.source) }
    let perRow = format.storage.groupsPerRow(rowLength: tensor.rowLength)
    let length = format.storage.groupElements(rowLength: tensor.rowLength)
    let lost = planes.scales.indices.first { index in
      let scale = planes.scales[index]
      guard (scale * input).isNormal else { return true }
      guard scale == 1 else { return false }
      let start = index / perRow * tensor.rowLength + index % perRow * length
      let values = buffers.source[start..<start + length]
      return planes.codes[start..<start + length].allSatisfy { $0 == 0 }
        && values.contains { $0 != 0 } && values.allSatisfy { abs($0) < Self.scalableMagnitude }
    }
    guard let index = lost else { return }
    let row = rows.lowerBound + index / perRow
    let start = (row - rows.lowerBound) * tensor.rowLength
    let values = buffers.source[start..<start + tensor.rowLength]
    throw overflow(
      tensor, source, row: row, value: values.max { abs($0) < abs($1) } ?? 0,
      what: "no \(format.storage.scaleValues.rawValue.uppercased()) holds its scale")
  }

  /// The rows of a tile, encoded.
  private struct IntegerTile {
    let rows: Range<Int>
    let planes: IntegerPlanes
    /// What they were encoded from; nil for values.
    let grid: GridRow?
    let parts: IntegerParts
    let decoding: RowDecoding
    let output: UnsafeMutableRawBufferPointer
  }

  private struct IntegerComparison {
    var plain = quern_comparison()
    var weighted = quern_weighted_sums()
    var exactRowCount = 0
  }

  /// Compares row by row, so that the exact ones can be counted. Rows on the grid are compared as
  /// integers with what was written; only where one differs is the tile decoded.
  private func compare(
    _ tensor: PlannedTensor, _ tile: IntegerTile, _ comparison: inout IntegerComparison
  ) {
    let length = tensor.rowLength
    let weights = weights(tensor, tile.rows)
    let written = weights == nil ? tile.grid.flatMap { _ in tile.parts.rowCodes(tile.output) } : nil
    var isDecoded = false
    for row in 0..<tile.rows.count {
      let range = row * length..<(row + 1) * length
      let position = (tile.rows.lowerBound + row) * length
      if let written, let grid = tile.grid,
        kernels.compareExactly(
          grid.elements(range),
          UnsafeBufferPointer(rebasing: written[position..<position + length]),
          scale: tile.parts.rowScale(tile.output, row: tile.rows.lowerBound + row),
          position: position, into: &comparison.plain)
      {
        comparison.exactRowCount += 1
        continue
      }
      if !isDecoded { decode(tensor, tile) }
      isDecoded = true
      let source = UnsafeBufferPointer(rebasing: buffers.source[range])
      let decoded = UnsafeBufferPointer(rebasing: buffers.decoded[range])
      let before = comparison.plain.unequal
      kernels.compare(source, decoded, position: position, into: &comparison.plain)
      if comparison.plain.unequal == before { comparison.exactRowCount += 1 }
      if let weights {
        kernels.compare(
          source, decoded, weights: UnsafeBufferPointer(rebasing: weights[range]),
          position: position, into: &comparison.weighted)
      }
    }
  }

  /// Fills the tiles of source and output values; those of a source that is on no grid are there.
  private func decode(_ tensor: PlannedTensor, _ tile: IntegerTile) {
    if tile.grid != nil { tile.decoding.decode(rows: tile.rows, into: buffers.source) }
    let decoded = UnsafeMutableBufferPointer(
      rebasing: buffers.decoded[..<(tile.rows.count * tensor.rowLength)])
    tile.parts.decode(rows: tile.rows, tile.output, scratch: tile.planes, into: decoded)
  }
}
