import QuernContainers
import QuernLayouts
import QuernTensors

/// The source rows of one chunk: where they are in the files, and where in the buffers they are read to.
package struct SourceChunk {
  /// The rows of one source tensor; several where columns are joined.
  package struct Segment {
    package let tensor: SourceTensor
    /// First row of the source.
    package let firstRow: Int
    package let rowCount: Int
    /// Position in the buffer of codes and of scales.
    package let codesOffset: Int
    package let scalesOffset: Int
    /// The row of scales that the first row belongs to.
    package let firstScaleRow: Int
    package let scaleRowCount: Int
    /// First element of the output row.
    package let column: Int

    /// The rows whose codes are read: more than the chunk's where rows share bytes with others.
    package var codeRows: Range<Int> {
      let granule = tensor.encoding.rowGranule
      let end = (firstRow + rowCount).dividedRoundingUp(by: granule) * granule
      return firstRow / granule * granule..<end
    }

    package var codesByteCount: Int { tensor.codeByteCount(rows: codeRows.count) }
    package var scaleRowsByteCount: Int { scaleRowCount * tensor.scaleRowByteCount }
    /// Bytes of the scales and of the divisor behind them.
    package var scalesByteCount: Int {
      scaleRowsByteCount + (tensor.scaleDivisor?.range.byteCount ?? 0)
    }

    package var codesRange: ByteRange {
      ByteRange(
        offset: tensor.codes.range.offset + tensor.codeByteCount(rows: codeRows.lowerBound),
        byteCount: codesByteCount)
    }

    package var scalesRange: ByteRange? {
      tensor.scale.map {
        ByteRange(
          offset: $0.range.offset + firstScaleRow * tensor.scaleRowByteCount,
          byteCount: scaleRowsByteCount)
      }
    }
  }

  package let segments: [Segment]
  package let permutation: HeadPermutation?
  /// The column of the source that is the first row; nil where rows are rows.
  package let firstColumn: Int?
  /// Output rows of the chunk, counted from the tensor's first.
  package let firstOutputRow: Int
  package let rowCount: Int

  package var codesByteCount: Int { segments.reduce(0) { $0 + $1.codesByteCount } }
  package var scalesByteCount: Int { segments.reduce(0) { $0 + $1.scalesByteCount } }

  /// - Parameters:
  ///   - part: which of the parts of a stack; 0 for all else.
  ///   - rows: rows of the part.
  ///   - rowsPerPart: rows of the whole part.
  package init(
    _ expression: TensorExpression, part: Int, rows: Range<Int>, rowsPerPart: Int,
    checkpoint: Checkpoint
  ) {
    firstOutputRow = part * rowsPerPart + rows.lowerBound
    rowCount = rows.count
    var sources: [SourceRows] = []
    var permutation: HeadPermutation?
    var sourceRows = rows
    switch expression {
    case .copy(let source): sources = [source]
    case .stack(let parts): sources = [parts[part]]
    case .transpose(let parts):
      sources = [parts[part]]
      // Every row of the source has an element in every row of the chunk.
      sourceRows = 0..<parts[part].rowCount
    case .concatenateColumns(let parts): sources = parts
    case .permuteHeads(let source, let headRows):
      sources = [source]
      permutation = HeadPermutation(headRows: headRows)
    case .values: sources = []
    }
    self.permutation = permutation
    firstColumn = expression.isTransposed ? rows.lowerBound : nil
    var (codes, scales, column) = (0, 0, 0)
    segments = sources.map { source in
      let segment = Self.segment(
        checkpoint.tensors[source.tensor], firstRow: source.firstRow + sourceRows.lowerBound,
        rowCount: sourceRows.count, codesOffset: codes, scalesOffset: scales, column: column)
      codes += segment.codesByteCount
      scales += segment.scalesByteCount
      column += segment.tensor.shape.rowLength
      return segment
    }
  }

  private static func segment(
    _ tensor: SourceTensor, firstRow: Int, rowCount: Int, codesOffset: Int, scalesOffset: Int,
    column: Int
  ) -> Segment {
    let firstScaleRow = firstRow / tensor.rowsPerScaleRow
    let endScaleRow = (firstRow + rowCount).dividedRoundingUp(by: tensor.rowsPerScaleRow)
    return Segment(
      tensor: tensor, firstRow: firstRow, rowCount: rowCount, codesOffset: codesOffset,
      scalesOffset: scalesOffset, firstScaleRow: firstScaleRow,
      scaleRowCount: tensor.scale == nil ? 0 : endScaleRow - firstScaleRow, column: column)
  }

  /// Reads codes and scales of all segments to their places in the buffers.
  package func read(
    into buffers: SourceBuffers, _ checkpoint: Checkpoint, _ pool: FilePool,
    readsCodes: Bool = true
  ) throws(FileError) {
    func read(
      _ file: Int, _ range: ByteRange, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(FileError) {
      let target = UnsafeMutableRawBufferPointer(
        rebasing: buffer[offset..<offset + range.byteCount])
      try pool.file(at: checkpoint.files[file].path).read(into: target, at: range.offset)
    }
    for segment in segments {
      if readsCodes {
        try read(
          segment.tensor.codes.file, segment.codesRange, into: buffers.codes,
          at: segment.codesOffset)
      }
      if let range = segment.scalesRange, let scale = segment.tensor.scale {
        try read(scale.file, range, into: buffers.scales, at: segment.scalesOffset)
        if let divisor = segment.tensor.scaleDivisor {
          try read(
            divisor.file, divisor.range, into: buffers.scales,
            at: segment.scalesOffset + segment.scaleRowsByteCount)
        }
      }
    }
  }

  /// Where an element of the chunk stands in its source tensor.
  package func place(ofRow row: Int, column: Int) -> (segment: Segment, row: Int, column: Int) {
    let segment = segments.last { $0.column <= column } ?? segments[0]
    if let firstColumn { return (segment, segment.firstRow + column, firstColumn + row) }
    return (segment, segment.firstRow + sourceRow(ofRow: row), column - segment.column)
  }

  /// The row of the segments that stands at a row of the chunk.
  package func sourceRow(ofRow row: Int) -> Int { permutation?.sourceRow(ofOutputRow: row) ?? row }
}
