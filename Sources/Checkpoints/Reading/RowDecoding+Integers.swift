import QuernQuantization
import QuernTensors

/// Rows of integer codes with scales in a tensor of their own.
extension RowDecoding {
  /// Decodes as many rows as the target holds.
  func decodeIntegers(
    _ segment: SourceChunk.Segment, _ storage: IntegerStorage, _ scaleType: ElementType, row: Int,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let rowLength = segment.tensor.shape.rowLength
    let rows = row..<row + target.count / rowLength
    kernels.decode(
      storage, rowLength: rowLength, codes: integerCodes(segment, storage, rows),
      scales: integerScales(
        segment, scaleType, rows, perRow: storage.groupsPerRow(rowLength: rowLength)),
      into: target)
  }

  /// Codes and scales of all rows of a chunk of one source, in the order of the chunk's rows:
  /// [rows, columns] and [rows, groups].
  ///
  /// - Parameter isDivided: whether scales that are products with the scale of the activations are
  ///   divided by it.
  package func integers(isDivided: Bool) -> (codes: [Int8], scales: [Float]) {
    guard let segment = chunk.segments.first,
      case .integers(let storage, let scaleType) = segment.tensor.encoding
    else { return ([], []) }
    var (codes, scales) = ([Int8](), [Float]())
    codes.reserveCapacity(chunk.rowCount * rowLength)
    // Rows that stay in their order are taken together.
    let step = chunk.permutation == nil ? max(1, chunk.rowCount) : 1
    for row in stride(from: 0, to: chunk.rowCount, by: step) {
      let first = chunk.sourceRow(ofRow: row)
      let rows = first..<first + step
      codes += integerCodes(segment, storage, rows)
      scales += integerScales(
        segment, scaleType, rows, perRow: storage.groupsPerRow(rowLength: rowLength),
        isDivided: isDivided)
    }
    return (codes, scales)
  }

  /// Codes of rows, counted from the chunk's first: where they lie, or unpacked.
  private func integerCodes(
    _ segment: SourceChunk.Segment, _ storage: IntegerStorage, _ rows: Range<Int>
  ) -> UnsafeBufferPointer<Int8> {
    let rowLength = segment.tensor.shape.rowLength
    // Rows from the first that was read, out to whole granules.
    let lead = segment.firstRow - segment.codeRows.lowerBound
    let first = (rows.lowerBound + lead) / storage.rowGranule * storage.rowGranule
    let count =
      (rows.upperBound + lead - first).dividedRoundingUp(by: storage.rowGranule)
      * storage.rowGranule
    let start = segment.codesOffset + segment.tensor.codeByteCount(rows: first)
    let bytes = UnsafeRawBufferPointer(
      rebasing: buffers.codes[start..<start + segment.tensor.codeByteCount(rows: count)])
    if storage.packing == .bytes { return bytes.assumingMemoryBound(to: Int8.self) }
    let codes = UnsafeMutableBufferPointer(rebasing: buffers.integerCodes[..<(count * rowLength)])
    kernels.unpack(storage, rowLength: rowLength, bytes: bytes, into: codes)
    let skipped = (rows.lowerBound + lead - first) * rowLength
    return UnsafeBufferPointer(
      rebasing: codes[skipped..<skipped + rows.count * rowLength])
  }

  /// Scales of rows as float32, divided where the tensor says so.
  private func integerScales(
    _ segment: SourceChunk.Segment, _ type: ElementType, _ rows: Range<Int>, perRow: Int,
    isDivided: Bool = true
  ) -> UnsafeBufferPointer<Float> {
    let tensor = segment.tensor
    let bytes = UnsafeRawBufferPointer(
      rebasing: buffers.scales[
        segment.scalesOffset..<segment.scalesOffset + segment.scalesByteCount])
    let divisor =
      tensor.scaleDivisor == nil || !isDivided
      ? 1 : Float(bitPattern: bytes.littleEndianUInt32(at: segment.scaleRowsByteCount))
    for row in rows {
      let scaleRow = (segment.firstRow + row) / tensor.rowsPerScaleRow - segment.firstScaleRow
      let start = (row - rows.lowerBound) * perRow
      for index in 0..<perRow {
        buffers.rowScales[start + index] =
          bytes.scale(type, at: scaleRow * perRow + index) / divisor
      }
    }
    return UnsafeBufferPointer(rebasing: buffers.rowScales[..<(rows.count * perRow)])
  }
}

extension UnsafeRawBufferPointer {
  /// A number that belongs to integer codes: F32, F16, BF16, or I64 that holds the bits of an F32 in its low half.
  package func scale(_ type: ElementType, at index: Int) -> Float {
    switch type {
    case .bf16: BF16.decode(littleEndianUInt16(at: 2 * index))
    case .f16: F16.decode(littleEndianUInt16(at: 2 * index))
    case .i64: Float(bitPattern: littleEndianUInt32(at: 8 * index))
    default: Float(bitPattern: littleEndianUInt32(at: 4 * index))
    }
  }
}
