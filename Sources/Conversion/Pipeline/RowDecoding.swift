import QuernCheckpoints
import QuernQuantization
import QuernTensors

/// Decodes rows of a chunk to float32, from a worker's buffers.
struct RowDecoding {
  let kernels: RowKernels
  let buffers: WorkerBuffers
  let chunk: SourceChunk
  let rowLength: Int

  /// Fills the source tile with the rows; rows are counted from the chunk's first.
  func decode(rows: Range<Int>) {
    if let segment = chunk.segments.first, chunk.segments.count == 1, chunk.permutation == nil,
      isContiguous(segment)
    {
      let tile = UnsafeMutableBufferPointer(
        rebasing: buffers.source[..<(rows.count * rowLength)])
      decodeRun(segment, row: rows.lowerBound, into: tile)
      return
    }
    for row in rows {
      let start = (row - rows.lowerBound) * rowLength
      for segment in chunk.segments {
        let length = segment.tensor.shape.rowLength
        let first = start + segment.column
        let target = UnsafeMutableBufferPointer(rebasing: buffers.source[first..<first + length])
        decodeRow(segment, row: chunk.sourceRow(ofRow: row), into: target)
      }
    }
  }

  /// FP8 rows differ in their scales; rows of all else can be decoded as one run.
  private func isContiguous(_ segment: SourceChunk.Segment) -> Bool {
    if case .fp8 = segment.tensor.encoding { false } else { true }
  }

  private func decodeRun(
    _ segment: SourceChunk.Segment, row: Int, into target: UnsafeMutableBufferPointer<Float>
  ) {
    switch segment.tensor.encoding {
    case .fp4: kernels.decode(gridRow(segment, row: row, elementCount: target.count), into: target)
    case .plain(let type):
      let start = segment.codesOffset + row * segment.tensor.rowByteCount
      let byteCount = target.count * type.bitWidth / 8
      let bytes = UnsafeRawBufferPointer(rebasing: buffers.codes[start..<start + byteCount])
      kernels.decode(type.numberFormat, bytes, into: target)
    case .fp8: decodeRow(segment, row: row, into: target)
    case .integers(let storage, let scaleType):
      decodeIntegers(segment, storage, scaleType, row: row, into: target)
    }
  }

  private func decodeRow(
    _ segment: SourceChunk.Segment, row: Int, into target: UnsafeMutableBufferPointer<Float>
  ) {
    guard
      case .fp8(let type, let scaleType, let blockRows, let blockColumns) = segment.tensor.encoding
    else { return decodeRun(segment, row: row, into: target) }
    let scaleRow = (segment.firstRow + row) / blockRows - segment.firstScaleRow
    let scaleStart = segment.scalesOffset + scaleRow * segment.tensor.scaleRowByteCount
    let scaleCount = segment.tensor.scale?.shape.rowLength ?? 0
    for index in 0..<scaleCount {
      buffers.rowScales[index] =
        scaleType == .f8e8m0
        ? E8M0.decode(buffers.scales[scaleStart + index])
        : Float(
          bitPattern: UnsafeRawBufferPointer(buffers.scales).littleEndianUInt32(
            at: scaleStart + 4 * index))
    }
    let start = segment.codesOffset + row * segment.tensor.rowByteCount
    let table = type == .f8e4m3 ? FP8Table.e4m3 : FP8Table.e5m2
    table.withUnsafeBufferPointer { table in
      kernels.decodeFP8(
        bytes(buffers.codes, start, target.count), table: table,
        scales: UnsafeBufferPointer(rebasing: buffers.rowScales[..<scaleCount]),
        scaleBlock: blockColumns, into: target)
    }
  }

  /// Codes and scale bytes of a run of FP4 values that begins at a row.
  func gridRow(_ segment: SourceChunk.Segment, row: Int, elementCount: Int) -> GridRow {
    let codes = segment.codesOffset + row * segment.tensor.rowByteCount
    let scales = segment.scalesOffset + row * segment.tensor.scaleRowByteCount
    return GridRow(
      packed: bytes(buffers.codes, codes, elementCount / 2),
      scales: bytes(buffers.scales, scales, elementCount / SourceEncoding.fp4Group))
  }

  private func bytes(_ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ count: Int)
    -> UnsafeBufferPointer<UInt8>
  {
    UnsafeRawBufferPointer(rebasing: buffer[start..<start + count]).assumingMemoryBound(
      to: UInt8.self)
  }
}

extension ElementType {
  /// The same encoding among the number formats; only called for float types that have one.
  var numberFormat: NumberFormat {
    switch self {
    case .bf16: .bf16
    case .f16: .f16
    default: .f32
    }
  }
}
