import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Reads rows of weights with the buffers of one thread, which grow to the largest slice.
package final class WeightReader {
  let weights: ModelWeights
  let kernels = RowKernels.best
  private var sizes = SourceBuffers.Sizes()
  private(set) var buffers = SourceBuffers(SourceBuffers.Sizes())
  private var tile = UnsafeMutableBufferPointer<Float>.allocate(capacity: 64)

  init(_ weights: ModelWeights) {
    self.weights = weights
  }

  deinit { tile.deallocate() }

  /// Decodes rows of a part to float32, [rows, columns], for `body` to use while it runs.
  ///
  /// - Throws: `ModelError` for a file that cannot be read or values that cannot be decoded.
  func withRows<Result>(
    of weight: Weight, part: Int = 0, _ rows: Range<Int>,
    _ body: (UnsafeMutableBufferPointer<Float>) throws(ModelError) -> Result
  ) throws(ModelError) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(try decode(weight, part: part, rows: rows))
  }

  private func decode(_ weight: Weight, part: Int, rows: Range<Int>) throws(ModelError)
    -> UnsafeMutableBufferPointer<Float>
  {
    if case .values(let values) = weight.tensor.expression {
      grow(rows.count * weight.columnCount)
      let wanted = values[
        rows.lowerBound * weight.columnCount..<rows.upperBound * weight.columnCount]
      let target = UnsafeMutableBufferPointer(rebasing: tile[..<wanted.count])
      _ = target.update(fromContentsOf: wanted)
      return target
    }
    let chunk = weight.source(part: part, rows: rows)
    try read(chunk)
    grow(rows.count * weight.columnCount)
    let target = UnsafeMutableBufferPointer(rebasing: tile[..<(rows.count * weight.columnCount)])
    RowDecoding(kernels: kernels, buffers: buffers, chunk: chunk, rowLength: weight.columnCount)
      .decode(rows: 0..<rows.count, into: target)
    return target
  }

  /// Rows of a table of I32 or I64.
  ///
  /// - Throws: `ModelError` for a file that cannot be read or a table of another type.
  func integers(_ weight: Weight, rows: Range<Int>) throws(ModelError) -> [Int] {
    defer { withExtendedLifetime(self) {} }
    let chunk = weight.source(part: 0, rows: rows)
    let segment = chunk.segments.first
    guard let segment, case .plain(let type) = segment.tensor.encoding,
      [.i32, .i64].contains(type)
    else {
      throw .data(
        InputProblem(
          file: weight.checkpoint.folder, tensor: weight.name, field: "type",
          found: segment.map { "\($0.tensor.encoding)" } ?? "no tensor", expected: "I32 or I64"))
    }
    try read(chunk)
    let bytes = UnsafeRawBufferPointer(buffers.codes)
    return (0..<rows.count * weight.columnCount).map {
      let offset = segment.codesOffset + $0 * type.bitWidth / 8
      return type == .i32
        ? Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        : Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self)))
    }
  }

  private func grow(_ count: Int) {
    guard tile.count < count else { return }
    tile.deallocate()
    tile = .allocate(capacity: count)
  }

  func read(_ chunk: SourceChunk) throws(ModelError) {
    let before = sizes.byteCount
    sizes.add(chunk, tileRows: chunk.rowCount)
    if sizes.byteCount > before { buffers = SourceBuffers(sizes) }
    do throws(FileError) {
      try chunk.read(into: buffers, weights.checkpoint, weights.pool)
    } catch { throw .file(error) }
    do throws(CheckpointError) {
      try chunk.checkOffsets(weights.checkpoint, weights.pool)
    } catch { throw .checkpoint(error) }
  }
}
