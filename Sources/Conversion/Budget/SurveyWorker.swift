import CKernels
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Measures tensors one after the other with its own buffers.
final class SurveyWorker {
  private let checkpoint: Checkpoint
  private let importance: Importance?
  private let kernels: RowKernels
  private let pool: FilePool
  private let buffers: WorkerBuffers
  /// The weights of one expert's columns; nil for one without data.
  private var weights: (expert: Int, values: [Float]?) = (-1, nil)

  init(
    _ tensors: [BudgetTensor], checkpoint: Checkpoint, importance: Importance?,
    kernels: RowKernels, pool: FilePool
  ) {
    self.checkpoint = checkpoint
    self.importance = importance
    self.kernels = kernels
    self.pool = pool
    buffers = WorkerBuffers(
      WorkerBuffers.Sizes(
        tensors.flatMap { [$0.base.rowByRow] + $0.candidates.map(\.planned.rowByRow) },
        checkpoint: checkpoint))
  }

  /// What a candidate adds up to over the rows of a sample.
  private struct Sums {
    /// Rows without importance data.
    var plain = quern_comparison()
    var weighted = quern_weighted_sums()
  }

  /// - Returns: the sums, scaled to the tensor, and the source bytes that were read.
  func measure(_ tensor: BudgetTensor) throws(ConversionError) -> (
    ErrorSurvey.Measurement, byteCount: Int
  ) {
    let (rows, sample) = (tensor.base.rowByRow, tensor.base.sample)
    let candidates = try tensor.candidates.map { candidate throws(ConversionError) in
      try scaled(candidate.planned, sample)
    }
    var sums = [Sums](repeating: Sums(), count: candidates.count)
    var measurement = ErrorSurvey.Measurement()
    var byteCount = 0
    weights = (-1, nil)
    for row in sample.rows {
      let source = try read(rows, row)
      byteCount += source.codesByteCount + source.scalesByteCount
      try loadWeights(tensor, row: row)
      if let values = weights.values {
        measurement.weightSum += values.reduce(0) { $0 + Double($1) }
        measurement.weightCount += values.count
      }
      for (index, candidate) in candidates.enumerated() {
        add(candidate, source, to: &sums[index])
      }
    }
    measurement.finish(
      sums.map { (ErrorSums($0.plain), WeightedSums($0.weighted)) }, scale: sample.scale)
    return (measurement, byteCount)
  }

  /// Reads and decodes one row. A weight that is NaN or infinite counts as 0: the conversion refuses
  /// it or makes it so.
  private func read(_ tensor: PlannedTensor, _ row: Int) throws(ConversionError) -> SourceChunk {
    let source = SourceChunk(tensor, chunk: row, checkpoint: checkpoint)
    do throws(FileError) {
      try source.read(into: buffers.sources, checkpoint, pool)
    } catch { throw .file(error) }
    RowDecoding(
      kernels: kernels, buffers: buffers.sources, chunk: source, rowLength: tensor.rowLength
    )
    .decode(rows: 0..<1, into: buffers.source)
    let values = UnsafeMutableBufferPointer(rebasing: buffers.source[..<tensor.rowLength])
    if kernels.firstNonFinite(UnsafeBufferPointer(values)) != nil {
      for index in values.indices where !values[index].isFinite { values[index] = 0 }
    }
    return source
  }

  /// The candidate with NVFP4's second scale where it will have one, from the largest value sampled.
  private func scaled(_ planned: PlannedTensor, _ sample: RowSample) throws(ConversionError)
    -> PlannedTensor
  {
    guard !planned.scaleExponents.isEmpty else { return planned }
    var largest: Float = 0
    for row in sample.rows {
      _ = try read(planned.rowByRow, row)
      let values = UnsafeBufferPointer(rebasing: buffers.source[..<planned.rowLength])
      largest = max(largest, kernels.largestMagnitude(values))
    }
    var planned = planned
    planned.scaleExponents = [SecondScaleSurvey.exponent(ofLargest: largest)]
    return planned
  }

  private func loadWeights(_ tensor: BudgetTensor, row: Int) throws(ConversionError) {
    guard let importance, tensor.base.importance != nil else { return }
    let expert = row / tensor.base.rowsPerExpert
    if weights.expert != expert {
      let values = try importance.weights(
        tensor.base.name, expert: expert, of: tensor.base.expertCount)
      // Experts that no token reached have ones instead of data.
      weights = (expert, values.allSatisfy { $0 == 1 } ? nil : values)
      let place = UnsafeMutableBufferPointer(rebasing: buffers.weights[..<values.count])
      _ = place.update(fromContentsOf: values)
    }
  }

  private func add(_ tensor: PlannedTensor, _ source: SourceChunk, to sums: inout Sums) {
    guard let format = tensor.storage.numberFormat else { return }
    let encoding = RowEncoding(
      kernels: kernels, buffers: buffers, tensor: tensor, format: format,
      firstRow: source.firstOutputRow)
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: buffers.output[..<tensor.byteCount(rows: 1)])
    if let grid = grid(tensor, source) {
      encoding.encode(grid, rows: 0..<1, into: bytes.assumingMemoryBound(to: UInt8.self))
    } else {
      encoding.encode(rows: 0..<1, into: bytes)
    }
    let values = UnsafeBufferPointer(rebasing: buffers.source[..<tensor.rowLength])
    let decoded = encoding.decode(rows: 0..<1, UnsafeRawBufferPointer(bytes))
    if weights.values == nil {
      kernels.compare(values, decoded, position: 0, into: &sums.plain)
    } else {
      kernels.compare(
        values, decoded,
        weights: UnsafeBufferPointer(rebasing: buffers.weights[..<tensor.rowLength]), position: 0,
        into: &sums.weighted)
    }
  }

  /// The row on the FP4 grid, where the candidate is made from it.
  private func grid(_ tensor: PlannedTensor, _ source: SourceChunk) -> GridRow? {
    guard tensor.method == .gridAware, let segment = source.segments.first else { return nil }
    let row = RowDecoding(
      kernels: kernels, buffers: buffers.sources, chunk: source, rowLength: tensor.rowLength
    ).gridRow(segment, row: 0, elementCount: tensor.rowLength)
    // Under the two scales below NaN 4 and 6 are no float32, as in the conversion.
    return row.scales.allSatisfy { $0 <= 252 } ? row : nil
  }
}
