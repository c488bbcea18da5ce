import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import Synchronization

/// What each candidate costs each tensor, measured on sampled rows and scaled to all of them: the sum
/// of squared errors, each weighted by its importance. The same for any number of threads.
public struct ErrorSurvey: Sendable {
  /// Sums over one tensor.
  struct Estimate: Equatable, Sendable {
    var signal = 0.0
    /// For each candidate; infinite where one cannot hold the tensor.
    var noise: [Double] = []
  }

  /// By position in the checkpoint's map.
  let estimates: [Estimate]

  /// Measures all tensors that have candidates.
  ///
  /// - Throws: `ConversionError` when a source cannot be read, or on interruption.
  static func run(
    _ tensors: [BudgetTensor], checkpoint: Checkpoint, importance: Importance?, threadCount: Int,
    kernels: RowKernels = .best, control: RunControl
  ) throws(ConversionError) -> ErrorSurvey {
    let open = tensors.indices.filter { !tensors[$0].candidates.isEmpty }
    let pool = FilePool()
    let next = Atomic<Int>(0)
    let results = SurveyResults(count: tensors.count)
    Threads.run(max(1, min(threadCount, open.count))) { _ in
      let worker = SurveyWorker(
        open.map { tensors[$0] }, checkpoint: checkpoint, importance: importance,
        kernels: kernels, pool: pool)
      while true {
        let position = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard position < open.count, !results.hasFailed else { return }
        let index = open[position]
        do throws(ConversionError) {
          if control.isInterrupted { throw .interrupted }
          let (measurement, byteCount) = try worker.measure(tensors[index])
          results.set(measurement, at: index)
          control.add(byteCount)
        } catch { results.fail(error, at: index) }
      }
    }
    let measurements = try results.measurements()
    let weight = meanWeight(measurements, tensors)
    return ErrorSurvey(estimates: measurements.map { $0.estimate(weight: weight) })
  }

  /// The mean importance of all weights that have data, which stands for those without: 1 where there
  /// is no data at all.
  private static func meanWeight(_ measurements: [Measurement], _ tensors: [BudgetTensor]) -> Double
  {
    var (sum, count) = (0.0, 0.0)
    for (measurement, tensor) in zip(measurements, tensors) where measurement.weightCount > 0 {
      let scale = tensor.base.sample.scale
      sum += measurement.weightSum * scale
      count += Double(measurement.weightCount) * scale
    }
    return count > 0 ? sum / count : 1
  }

  /// Source bytes that are read.
  static func byteCount(_ tensors: [BudgetTensor], checkpoint: Checkpoint) -> Int {
    tensors.reduce(0) { sum, tensor in
      guard !tensor.candidates.isEmpty, tensor.base.shape.rowCount > 0 else { return sum }
      let row = SourceChunk(tensor.base.rowByRow, chunk: 0, checkpoint: checkpoint)
      return sum + tensor.base.sample.rows.count * (row.codesByteCount + row.scalesByteCount)
    }
  }
}

extension ErrorSurvey {
  /// Sums over one tensor, those of rows with importance data apart.
  struct Measurement: Sendable {
    /// Importance of the sampled weights that have data, and how many they are.
    var weightSum = 0.0
    var weightCount = 0
    private var plain = Estimate()
    private var weighted = Estimate()

    /// - Parameter sums: those of each candidate over the sample.
    mutating func finish(_ sums: [(plain: ErrorSums, weighted: WeightedSums)], scale: Double) {
      plain.signal = (sums.first?.plain.signal ?? 0) * scale
      plain.noise = sums.map { $0.plain.noise * scale }
      weighted.signal = (sums.first?.weighted.signal ?? 0) * scale
      weighted.noise = sums.map { $0.weighted.noise * scale }
    }

    /// - Parameter weight: the importance of weights without data.
    func estimate(weight: Double) -> Estimate {
      Estimate(
        signal: weighted.signal + weight * plain.signal,
        noise: zip(weighted.noise, plain.noise).map { weighted, plain in
          let noise = weighted + weight * plain
          return noise.isFinite ? noise : .infinity
        })
    }
  }
}

extension PlannedTensor {
  /// The tensor with a chunk for each row, in the source's order: which row of a head is where makes no
  /// difference to an error.
  var rowByRow: PlannedTensor {
    var tensor = self
    tensor.grid = ChunkGrid(parts: grid.parts, rowsPerPart: grid.rowsPerPart, chunkRows: 1)
    if case .permuteHeads(let rows, _) = expression { tensor.expression = .copy(rows) }
    return tensor
  }

  var sample: RowSample { RowSample(rowCount: shape.rowCount, rowLength: rowLength) }
}

/// Collects what the workers find; the first error in the order of tensors wins.
private final class SurveyResults: Sendable {
  private struct State {
    var measurements: [ErrorSurvey.Measurement]
    var failure: (index: Int, error: ConversionError)?
  }

  private let state: Mutex<State>

  init(count: Int) {
    state = Mutex(State(measurements: Array(repeating: .init(), count: count)))
  }

  var hasFailed: Bool { state.withLock { $0.failure != nil } }

  func set(_ measurement: ErrorSurvey.Measurement, at index: Int) {
    state.withLock { $0.measurements[index] = measurement }
  }

  func fail(_ error: ConversionError, at index: Int) {
    state.withLock { state in
      if state.failure.map({ index < $0.index }) ?? true { state.failure = (index, error) }
    }
  }

  func measurements() throws(ConversionError) -> [ErrorSurvey.Measurement] {
    let (measurements, error) = state.withLock { ($0.measurements, $0.failure?.error) }
    if let error { throw error }
    return measurements
  }
}
