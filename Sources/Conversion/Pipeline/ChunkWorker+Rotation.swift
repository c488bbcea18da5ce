import QuernCheckpoints
import QuernQuantization

extension ChunkWorker {
  /// Turns the decoded rows of the tile, which are finite, where the tensor is rotated.
  func rotate(_ tensor: PlannedTensor, _ source: SourceChunk, rows: Range<Int>)
    throws(ConversionError)
  {
    guard let rotation = tensor.rotation else { return }
    let tile = UnsafeMutableBufferPointer(
      rebasing: buffers.source[..<(rows.count * tensor.rowLength)])
    if rotation.turnsColumns {
      kernels.rotateColumns(tile, rowLength: tensor.rowLength, gains: rotation.gains?.values)
    }
    if rotation.turnsRows { kernels.rotateRows(tile, rowLength: tensor.rowLength) }
    guard let index = kernels.firstNonFinite(UnsafeBufferPointer(tile)) else { return }
    throw overflow(
      tensor, source, row: rows.lowerBound + index / tensor.rowLength, value: tile[index],
      what: "rotated, it is no float32")
  }
}
