import Synchronization

/// Hands out the chunks of a plan in order, each once; after an error only what comes before it.
final class ChunkQueue: Sendable {
  struct Chunk: Sendable {
    /// Position in the whole plan.
    let index: Int
    let tensor: Int
    let chunk: Int
    /// Where the parts of the tensor begin.
    let places: [ConversionPlan.PartPlace]
  }

  private let plan: ConversionPlan
  /// Index of the first chunk of each tensor, and the total.
  private let firstChunks: [Int]
  private let places: [[ConversionPlan.PartPlace]]
  private let next = Atomic<Int>(0)
  private let failure = Mutex<(index: Int, error: ConversionError)?>(nil)
  private let hasFailed = Atomic<Bool>(false)

  init(_ plan: ConversionPlan) {
    self.plan = plan
    var first = [0]
    for tensor in plan.tensors { first.append((first.last ?? 0) + tensor.grid.chunkCount) }
    firstChunks = first
    places = plan.places
  }

  var count: Int { firstChunks.last ?? 0 }

  /// The next chunk, or nil when there is none or the run has failed. All chunks before a failed one
  /// were handed out before it, so the first error in the plan's order is found for any thread count.
  func take() -> Chunk? {
    guard !hasFailed.load(ordering: .relaxed) else { return nil }
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    guard index < count else { return nil }
    let tensor = self.tensor(ofChunk: index)
    return Chunk(
      index: index, tensor: tensor, chunk: index - firstChunks[tensor], places: places[tensor])
  }

  private func tensor(ofChunk index: Int) -> Int {
    var (low, high) = (0, firstChunks.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firstChunks[middle] <= index { low = middle } else { high = middle }
    }
    // Tensors without rows have no chunks: the last of those that begin here has.
    while firstChunks[low + 1] <= index { low += 1 }
    return low
  }

  func fail(_ error: ConversionError, at index: Int) {
    failure.withLock { failure in
      if failure.map({ index < $0.index }) ?? true { failure = (index, error) }
    }
    hasFailed.store(true, ordering: .relaxed)
  }

  /// The error of the first chunk that failed.
  var firstError: ConversionError? { failure.withLock { $0?.error } }
}
