import QuernCheckpoints
import QuernKernels
import QuernQuantization
import QuernTensors

/// Rows of weights as their files have them.
extension WeightReader {
  /// Bytes of rows of one source, and the factor of each where it has factors, for `body` to use while
  /// it runs.
  ///
  /// - Throws: `ModelError` for a file that cannot be read.
  func withStoredRows(
    of weight: Weight, part: Int, _ rows: Range<Int>,
    _ body: (UnsafeRawBufferPointer, _ factors: [Float]?) throws(ModelError) -> Void
  ) throws(ModelError) {
    defer { withExtendedLifetime(self) {} }
    let chunk = weight.source(part: part, rows: rows)
    try read(chunk)
    guard let stored = decoding(chunk, weight).storedRows else { return }
    try body(stored.bytes, stored.factors)
  }

  /// Rows of integers with what their kernel needs, in the order of the weight's rows.
  ///
  /// - Throws: `ModelError` for a file that cannot be read.
  func integers(of weight: Weight, part: Int, _ rows: Range<Int>) throws(ModelError)
    -> IntegerWeights
  {
    let chunk = weight.source(part: part, rows: rows)
    try read(chunk)
    guard let segment = chunk.segments.first,
      case .integers(let storage, _) = segment.tensor.encoding
    else { preconditionFailure("\(weight.name) is not in integers") }
    let isFixed = segment.tensor.activations == .fixed
    let stored = decoding(chunk, weight).integers(isDivided: !isFixed)
    let codes: CodeMatrix
    do throws(KernelError) {
      codes = try CodeMatrix(rows: rows.count, columns: weight.columnCount, codes: stored.codes)
    } catch { throw ModelError(error, multiplying: weight) }
    var result = IntegerWeights(
      codes: codes, scales: stored.scales, groupElements: storage.groupElements)
    result.isSplit = storage.packing == .rowPairs
    if isFixed {
      result.productScales = stored.scales
      result.biases = try companion("quant_bias", chunk, segment) {
        Int32(bitPattern: $0.littleEndianUInt32(at: 4 * $1))
      }
    } else if result.isSplit {
      result.corrections =
        try companion("scale_bias", chunk, segment) { $0.scale(.f32, at: $1) } ?? []
    }
    return result
  }

  private func decoding(_ chunk: SourceChunk, _ weight: Weight) -> RowDecoding {
    RowDecoding(kernels: kernels, buffers: buffers, chunk: chunk, rowLength: weight.columnCount)
  }

  /// Numbers that belong to the rows of a chunk, in its order; nil where the tensor has none.
  private func companion<Number>(
    _ suffix: String, _ chunk: SourceChunk, _ segment: SourceChunk.Segment,
    _ number: (UnsafeRawBufferPointer, Int) -> Number
  ) throws(ModelError) -> [Number]? {
    guard let tensor = segment.tensor.companion(suffix) else { return nil }
    let bytes = try weights.bytes(
      tensor, rows: segment.firstRow..<segment.firstRow + segment.rowCount)
    let perRow = tensor.shape.rank > 1 ? tensor.shape.rowLength : 1
    return bytes.withUnsafeBytes { bytes in
      (0..<chunk.rowCount).flatMap { row in
        let first = chunk.sourceRow(ofRow: row) * perRow
        return (first..<first + perRow).map { number(bytes, $0) }
      }
    }
  }
}
