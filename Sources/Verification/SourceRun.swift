import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Rows of one source tensor, read into memory, to be decoded one by one with the reference decoders.
package struct SourceRun {
  let tensor: SourceTensor
  /// First row of the source tensor that was read.
  let firstRow: Int
  let rowCount: Int
  /// First column of the output that its values go to.
  let column: Int
  /// Codes of the rows, and of those that share bytes with them.
  let codes: [UInt8]
  /// Scales, and behind them the divisor where the tensor has one.
  let scales: [UInt8]
  private let firstCodeRow: Int
  /// Row of the scale tensor that `scales` begins with.
  private let firstScaleRow: Int

  package init(
    _ tensor: SourceTensor, firstRow: Int, rowCount: Int, column: Int, checkpoint: Checkpoint,
    pool: FilePool
  ) throws(FileError) {
    self.tensor = tensor
    self.firstRow = firstRow
    self.rowCount = rowCount
    self.column = column
    let granule = tensor.encoding.rowGranule
    firstCodeRow = firstRow / granule * granule
    let endCodeRow = (firstRow + rowCount).dividedRoundingUp(by: granule) * granule
    codes = try Self.read(
      tensor.codes, byteOffset: tensor.codeByteCount(rows: firstCodeRow),
      byteCount: tensor.codeByteCount(rows: endCodeRow - firstCodeRow), checkpoint, pool)
    guard let scale = tensor.scale else {
      (scales, firstScaleRow) = ([], 0)
      return
    }
    firstScaleRow = firstRow / tensor.rowsPerScaleRow
    let lastScaleRow = (firstRow + rowCount - 1) / tensor.rowsPerScaleRow
    let rows = try Self.read(
      scale, byteOffset: firstScaleRow * tensor.scaleRowByteCount,
      byteCount: (lastScaleRow - firstScaleRow + 1) * tensor.scaleRowByteCount, checkpoint, pool)
    let divisor = try tensor.scaleDivisor.map { divisor throws(FileError) in
      try Self.read(
        divisor, byteOffset: 0, byteCount: divisor.range.byteCount, checkpoint, pool)
    }
    scales = rows + (divisor ?? [])
  }

  private static func read(
    _ stored: StoredTensor, byteOffset: Int, byteCount: Int, _ checkpoint: Checkpoint,
    _ pool: FilePool
  ) throws(FileError) -> [UInt8] {
    try pool.file(at: checkpoint.files[stored.file].path).bytes(
      in: ByteRange(offset: stored.range.offset + byteOffset, byteCount: byteCount))
  }

  var columnCount: Int { tensor.shape.rowLength }

  /// Decodes one row, counted from the first that was read.
  package func decode(row: Int, into values: UnsafeMutableBufferPointer<Float>) {
    if case .integers(let storage, let scaleType) = tensor.encoding {
      return decodeIntegers(storage, scaleType, row: row, into: values)
    }
    let bytes = slice(codes, row, tensor.rowByteCount)
    switch tensor.encoding {
    case .plain(.bf16): bytes { BF16.decodeRow($0, into: values) }
    case .plain(.f16): bytes { F16.decodeRow($0, into: values) }
    case .plain, .integers: bytes { ReferenceDecoder.decode(.f32, $0, into: values) }
    case .blocks(let format): bytes { ReferenceDecoder.decode(format, $0, into: values) }
    case .fp4:
      let scales = slice(scales, row, tensor.scaleRowByteCount)
      bytes { codes in scales { E2M1.decodeRow(codes, scales: $0, into: values) } }
    case .fp8(let type, let scaleType, let blockRows, let blockColumns):
      let scaleRow = (firstRow + row) / blockRows - firstScaleRow
      let rowScales = self.rowScales(scaleRow, scaleType)
      bytes { codes in
        rowScales.withUnsafeBufferPointer {
          FP8Table.decodeRow(
            codes, table: type == .f8e4m3 ? FP8Table.e4m3 : FP8Table.e5m2, scales: $0,
            scaleBlock: blockColumns, into: values)
        }
      }
    }
  }

  private func decodeIntegers(
    _ storage: IntegerStorage, _ scaleType: ElementType, row: Int,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    let scaleRow = (firstRow + row) / tensor.rowsPerScaleRow - firstScaleRow
    var rowScales = self.rowScales(scaleRow, scaleType)
    if tensor.scaleDivisor != nil {
      let divisor = scales.suffix(4).withUnsafeBytes {
        Float(bitPattern: $0.littleEndianUInt32(at: 0))
      }
      rowScales = rowScales.map { $0 / divisor }
    }
    let (granule, place) = (firstRow + row - firstCodeRow).quotientAndRemainder(
      dividingBy: storage.rowGranule)
    let bytes = slice(codes, granule, tensor.codeByteCount(rows: storage.rowGranule))
    bytes { codes in
      rowScales.withUnsafeBufferPointer {
        ReferenceDecoder.decodeRow(
          storage: storage, codeBytes: codes, place: place, scales: $0, into: values)
      }
    }
  }

  /// An entry of an index table.
  func entry(row: Int, column: Int) -> Int {
    let index = row * columnCount + column
    return codes.withUnsafeBytes { bytes in
      tensor.encoding == .plain(.i64)
        ? Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)))
        : Int(Int32(bitPattern: bytes.littleEndianUInt32(at: 4 * index)))
    }
  }

  private func rowScales(_ row: Int, _ type: ElementType) -> [Float] {
    let count = tensor.scale?.shape.rowLength ?? 0
    return scales.withUnsafeBytes { bytes in
      (0..<count).map { index in
        let element = row * count + index
        return switch type {
        case .f8e8m0: E8M0.decode(bytes[element])
        case .bf16: BF16.decode(bytes.littleEndianUInt16(at: 2 * element))
        case .f16: F16.decode(bytes.littleEndianUInt16(at: 2 * element))
        // The bits of a float32 in the low half.
        case .i64: Float(bitPattern: bytes.littleEndianUInt32(at: 8 * element))
        default: Float(bitPattern: bytes.littleEndianUInt32(at: 4 * element))
        }
      }
    }
  }

  /// Access to a row of bytes.
  private func slice(_ bytes: [UInt8], _ row: Int, _ rowByteCount: Int)
    -> ((UnsafeRawBufferPointer) -> Void) -> Void
  {
    { body in
      bytes.withUnsafeBytes {
        body(
          UnsafeRawBufferPointer(rebasing: $0[row * rowByteCount..<(row + 1) * rowByteCount]))
      }
    }
  }
}
