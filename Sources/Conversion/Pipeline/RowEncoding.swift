import CKernels
import QuernCertificates
import QuernQuantization
import QuernTensors

/// Encodes and compares rows of one chunk of one tensor: by its method, weighted where it has
/// importance data, divided by NVFP4's second scale where it has one.
struct RowEncoding {
  let kernels: RowKernels
  let buffers: WorkerBuffers
  let tensor: PlannedTensor
  let format: NumberFormat
  /// Row of the tensor that the chunk begins with.
  let firstRow: Int

  /// Encodes the values of the source tile; `rows` are counted from the chunk's first.
  func encode(rows: Range<Int>, into target: UnsafeMutableRawBufferPointer) {
    let values = values(rows)
    switch tensor.method {
    case .copy, .cast, .absmax, .ggml: kernels.encode(format, values, into: target)
    // A chunk with a scale that is no number has no grid, and is encoded from its values.
    case .optimal, .gridAware, .gptq:
      kernels.encodeOptimally(
        format, values, weights: searchWeights(rows, values), into: target)
    }
  }

  /// Encodes some rows of the tile with error feedback; `target` is the tile's. The factors are those
  /// of the rows' inputs.
  func encodeWithFeedback(
    _ rows: Range<Int>, ofTile tile: Range<Int>, factors: [GPTQFactor?], widths: [Int],
    in workspace: GPTQWorkspace, into target: UnsafeMutableRawBufferPointer
  ) {
    let (first, end) = (rows.lowerBound - tile.lowerBound, rows.upperBound - tile.lowerBound)
    let values = values(tile)[first * tensor.rowLength..<end * tensor.rowLength]
    let bytes = target[tensor.byteCount(rows: first)..<tensor.byteCount(rows: end)]
    kernels.encodeWithFeedback(
      format, UnsafeBufferPointer(rebasing: values), factors: factors, widths: widths,
      in: workspace, into: UnsafeMutableRawBufferPointer(rebasing: bytes))
  }

  /// The values of the source tile, divided by the second scale.
  private func values(_ rows: Range<Int>) -> UnsafeBufferPointer<Float> {
    let count = rows.count * tensor.rowLength
    let values = UnsafeBufferPointer(rebasing: buffers.source[..<count])
    guard hasSecondScale else { return values }
    // The tile of decoded values is free until the rows are decoded again.
    let divided = UnsafeMutableBufferPointer(rebasing: buffers.decoded[..<count])
    scale(rows, values, sign: -1, into: divided)
    return UnsafeBufferPointer(divided)
  }

  /// Encodes codes of the FP4 grid.
  func encode(_ grid: GridRow, rows: Range<Int>, into target: UnsafeMutableBufferPointer<UInt8>) {
    guard hasSecondScale else {
      return kernels.encode(format, grid, weights: weights(rows), into: target)
    }
    // The grid's scale is a power of two as well: dividing it is an addition to its exponent.
    let perRow = tensor.rowLength / 32
    let scales = grid.scales.enumerated().map { index, byte in
      let row = firstRow + rows.lowerBound + index / perRow
      return UInt8(clamping: Int(byte) - tensor.secondScaleExponent(ofRow: row))
    }
    scales.withUnsafeBufferPointer { scales in
      kernels.encode(
        format, GridRow(packed: grid.packed, scales: scales), weights: weights(rows),
        into: target)
    }
  }

  /// Decodes encoded rows into the tile of decoded values.
  func decode(rows: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<Float> {
    let decoded = UnsafeMutableBufferPointer(
      rebasing: buffers.decoded[..<(rows.count * tensor.rowLength)])
    kernels.decode(format, bytes, into: decoded)
    if hasSecondScale { scale(rows, UnsafeBufferPointer(decoded), sign: 1, into: decoded) }
    return UnsafeBufferPointer(decoded)
  }

  /// The weights of rows, one for each value; nil where all count the same. The worker has put them
  /// there for the rows of a tile.
  func weights(_ rows: Range<Int>) -> UnsafeBufferPointer<Float>? {
    guard tensor.importance != nil else { return nil }
    return UnsafeBufferPointer(rebasing: buffers.weights[..<(rows.count * tensor.rowLength)])
  }

  /// What the errors of rows count when scales are searched for; nil where all count the same.
  private func searchWeights(_ rows: Range<Int>, _ values: UnsafeBufferPointer<Float>)
    -> UnsafeBufferPointer<Float>?
  {
    guard let importance = weights(rows) else { return nil }
    for row in 0..<rows.count {
      let range = row * tensor.rowLength..<(row + 1) * tensor.rowLength
      kernels.searchWeights(
        UnsafeBufferPointer(rebasing: values[range]),
        importance: UnsafeBufferPointer(rebasing: importance[range]),
        into: UnsafeMutableBufferPointer(rebasing: buffers.searchWeights[range]))
    }
    return UnsafeBufferPointer(rebasing: buffers.searchWeights[..<importance.count])
  }

  private var hasSecondScale: Bool { tensor.scaleExponents.contains { $0 != 0 } }

  private func scale(
    _ rows: Range<Int>, _ values: UnsafeBufferPointer<Float>, sign: Int,
    into out: UnsafeMutableBufferPointer<Float>
  ) {
    let length = tensor.rowLength
    for row in 0..<rows.count {
      let exponent = tensor.secondScaleExponent(ofRow: firstRow + rows.lowerBound + row)
      let range = row * length..<(row + 1) * length
      kernels.scale(
        UnsafeBufferPointer(rebasing: values[range]),
        by: Float(sign: .plus, exponent: sign * exponent, significand: 1),
        into: UnsafeMutableBufferPointer(rebasing: out[range]))
    }
  }
}
