import QuernCheckpoints

extension SourceChunk {
  /// The source rows of a chunk of a planned tensor.
  init(_ tensor: PlannedTensor, chunk: Int, checkpoint: Checkpoint) {
    let (part, rows) = tensor.grid.rows(ofChunk: chunk)
    self.init(
      tensor.expression, part: part, rows: rows, rowsPerPart: tensor.grid.rowsPerPart,
      checkpoint: checkpoint)
  }
}
