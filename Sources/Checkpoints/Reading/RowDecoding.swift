import QuernQuantization
import QuernTensors

/// Decodes rows of a chunk to float32, from the buffers it was read into.
package struct RowDecoding {
  let kernels: RowKernels
  let buffers: SourceBuffers
  let chunk: SourceChunk
  let rowLength: Int

  package init(kernels: RowKernels, buffers: SourceBuffers, chunk: SourceChunk, rowLength: Int) {
    self.kernels = kernels
    self.buffers = buffers
    self.chunk = chunk
    self.rowLength = rowLength
  }

  /// Fills the head of `values` with the rows; rows are counted from the chunk's first.
  package func decode(rows: Range<Int>, into values: UnsafeMutableBufferPointer<Float>) {
    if let firstColumn = chunk.firstColumn {
      let columns = firstColumn + rows.lowerBound..<firstColumn + rows.upperBound
      return decodeColumns(columns, into: values)
    }
    if let segment = chunk.segments.first, chunk.segments.count == 1, chunk.permutation == nil,
      isContiguous(segment)
    {
      let tile = UnsafeMutableBufferPointer(
        rebasing: values[..<(rows.count * rowLength)])
      decodeRun(segment, row: rows.lowerBound, into: tile)
      return
    }
    for row in rows {
      let start = (row - rows.lowerBound) * rowLength
      for segment in chunk.segments {
        let length = segment.tensor.shape.rowLength
        let first = start + segment.column
        let target = UnsafeMutableBufferPointer(rebasing: values[first..<first + length])
        decodeRow(segment, row: chunk.sourceRow(ofRow: row), into: target)
      }
    }
  }

  /// Fills the head of `values` with columns of the source, one behind the other.
  private func decodeColumns(
    _ columns: Range<Int>, into values: UnsafeMutableBufferPointer<Float>
  ) {
    for segment in chunk.segments {
      let row = UnsafeMutableBufferPointer(
        rebasing: buffers.sourceRow[..<segment.tensor.shape.rowLength])
      for index in 0..<segment.rowCount {
        decodeRow(segment, row: index, into: row)
        for column in columns {
          values[(column - columns.lowerBound) * rowLength + index] = row[column]
        }
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
    case .blocks(let format): decodeBlocks(segment, format, row: row, into: target)
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

  private func decodeBlocks(
    _ segment: SourceChunk.Segment, _ format: NumberFormat, row: Int,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let start = segment.codesOffset + row * segment.tensor.rowByteCount
    let rowLength = segment.tensor.shape.rowLength
    let rows = target.count / max(1, rowLength)
    kernels.decode(
      format,
      UnsafeRawBufferPointer(
        rebasing: buffers.codes[start..<start + segment.tensor.codeByteCount(rows: rows)]),
      into: target)
    guard segment.tensor.scale != nil else { return }
    for index in 0..<rows {
      let factor = factor(segment, row: row + index)
      for column in index * rowLength..<(index + 1) * rowLength { target[column] *= factor }
    }
  }

  private func factor(_ segment: SourceChunk.Segment, row: Int) -> Float {
    let part = (segment.firstRow + row) / segment.tensor.rowsPerScaleRow
    return Float(
      bitPattern: UnsafeRawBufferPointer(buffers.scales).littleEndianUInt32(
        at: segment.scalesOffset + 4 * (part - segment.firstScaleRow)))
  }

  /// The bytes of all rows of a chunk of one source, as its file has them, and the factor of each row
  /// where the tensor has factors.
  package var storedRows: (bytes: UnsafeRawBufferPointer, factors: [Float]?)? {
    guard let segment = chunk.segments.first, chunk.segments.count == 1 else { return nil }
    let start = segment.codesOffset
    let bytes = UnsafeRawBufferPointer(
      rebasing: buffers.codes[start..<start + segment.codesByteCount])
    guard segment.tensor.scale != nil else { return (bytes, nil) }
    return (bytes, (0..<chunk.rowCount).map { factor(segment, row: $0) })
  }

  /// Codes and scale bytes of a run of FP4 values that begins at a row.
  package func gridRow(_ segment: SourceChunk.Segment, row: Int, elementCount: Int) -> GridRow {
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
  package var numberFormat: NumberFormat {
    switch self {
    case .bf16: .bf16
    case .f16: .f16
    default: .f32
    }
  }
}
