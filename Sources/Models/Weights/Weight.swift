import QuernCheckpoints
import QuernTensors

/// A weight as products take it: parts (the experts of a stack, else one) of rows.
package struct Weight: Sendable {
  package let tensor: MappedTensor
  package let checkpoint: Checkpoint
  package let partCount: Int
  /// Outputs of one part.
  package let rowsPerPart: Int
  /// Inputs.
  package let columnCount: Int

  package init(_ tensor: MappedTensor, in checkpoint: Checkpoint) {
    (self.tensor, self.checkpoint) = (tensor, checkpoint)
    let shape = Shape(tensor.shape)
    partCount = tensor.shape.count == 3 ? tensor.shape[0] : 1
    rowsPerPart = shape.rowCount / max(1, partCount)
    columnCount = shape.rowLength
  }

  package var name: String { tensor.name }

  /// Values of a slice, 2 MiB as float32: so many rows that what a product does once for each row of
  /// activations, whatever the slice, is little.
  private static let sliceElementCount = 1 << 19

  /// Rows that are read, decoded and multiplied at once, whole granules of the expression's.
  package var sliceRows: Int {
    let granule = tensor.expression.rowGranule
    let rows = max(16, Self.sliceElementCount / max(1, columnCount))
    return max(granule, rows / granule * granule)
  }

  /// Where rows of a part come from. A file with all parts in one tensor has them one behind the other.
  func source(part: Int, rows: Range<Int>) -> SourceChunk {
    if tensor.expression.isStack {
      return SourceChunk(
        tensor.expression, part: part, rows: rows, rowsPerPart: rowsPerPart,
        checkpoint: checkpoint)
    }
    let first = part * rowsPerPart
    return SourceChunk(
      tensor.expression, part: 0, rows: first + rows.lowerBound..<first + rows.upperBound,
      rowsPerPart: rowsPerPart * partCount, checkpoint: checkpoint)
  }

  /// Bytes of rows of a part as files have them.
  func byteCount(part: Int, rows: Range<Int>) -> Int {
    let chunk = source(part: part, rows: rows)
    return chunk.codesByteCount + chunk.scalesByteCount
  }
}
