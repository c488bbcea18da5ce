import QuernCheckpoints
import QuernContainers
import QuernLayouts
import QuernTensors

/// The source rows of one chunk: where they are in the files, and where in a worker's buffers.
struct SourceChunk {
  /// The rows of one source tensor; several where columns are joined.
  struct Segment {
    let tensor: SourceTensor
    /// First row of the source.
    let firstRow: Int
    let rowCount: Int
    /// Position in the buffer of codes and of scales.
    let codesOffset: Int
    let scalesOffset: Int
    /// The row of scales that the first row belongs to.
    let firstScaleRow: Int
    let scaleRowCount: Int
    /// First element of the output row.
    let column: Int

    /// The rows whose codes are read: more than the chunk's where rows share bytes with others.
    var codeRows: Range<Int> {
      let granule = tensor.encoding.rowGranule
      let end = (firstRow + rowCount).dividedRoundingUp(by: granule) * granule
      return firstRow / granule * granule..<end
    }

    var codesByteCount: Int { tensor.codeByteCount(rows: codeRows.count) }
    var scaleRowsByteCount: Int { scaleRowCount * tensor.scaleRowByteCount }
    /// Bytes of the scales and of the divisor behind them.
    var scalesByteCount: Int {
      scaleRowsByteCount + (tensor.scaleDivisor?.range.byteCount ?? 0)
    }

    var codesRange: ByteRange {
      ByteRange(
        offset: tensor.codes.range.offset + tensor.codeByteCount(rows: codeRows.lowerBound),
        byteCount: codesByteCount)
    }

    var scalesRange: ByteRange? {
      tensor.scale.map {
        ByteRange(
          offset: $0.range.offset + firstScaleRow * tensor.scaleRowByteCount,
          byteCount: scaleRowsByteCount)
      }
    }
  }

  let segments: [Segment]
  let permutation: HeadPermutation?
  /// Output rows of the chunk, counted from the tensor's first.
  let firstOutputRow: Int
  let rowCount: Int

  var codesByteCount: Int { segments.reduce(0) { $0 + $1.codesByteCount } }
  var scalesByteCount: Int { segments.reduce(0) { $0 + $1.scalesByteCount } }

  init(_ tensor: PlannedTensor, chunk: Int, checkpoint: Checkpoint) {
    let (part, rows) = tensor.grid.rows(ofChunk: chunk)
    firstOutputRow = part * tensor.grid.rowsPerPart + rows.lowerBound
    rowCount = rows.count
    var sources: [SourceRows] = []
    var permutation: HeadPermutation?
    switch tensor.expression {
    case .copy(let source): sources = [source]
    case .stack(let parts): sources = [parts[part]]
    case .concatenateColumns(let parts): sources = parts
    case .permuteHeads(let source, let headRows):
      sources = [source]
      permutation = HeadPermutation(headRows: headRows)
    case .values: sources = []
    }
    self.permutation = permutation
    var (codes, scales, column) = (0, 0, 0)
    segments = sources.map { source in
      let segment = Self.segment(
        checkpoint.tensors[source.tensor], firstRow: source.firstRow + rows.lowerBound,
        rowCount: rows.count, codesOffset: codes, scalesOffset: scales, column: column)
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

  /// Reads codes and scales of all segments to their places in a worker's buffers.
  func read(
    into buffers: WorkerBuffers, _ checkpoint: Checkpoint, _ pool: FilePool,
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

  /// The row of the segments that stands at a row of the chunk.
  func sourceRow(ofRow row: Int) -> Int { permutation?.sourceRow(ofOutputRow: row) ?? row }
}
