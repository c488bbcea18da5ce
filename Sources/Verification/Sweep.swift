import QuernCheckpoints
import QuernContainers
import QuernConversion
import Synchronization

/// Checks every chunk of every tensor on all threads.
final class Sweep: Sendable {
  private struct Progress {
    var chunks: [ChunkFinding?]
    var remaining: Int
  }

  private struct State {
    var open: [Int: Progress] = [:]
    var findings: [TensorFinding?]
    var error: VerificationError?
  }

  private let tensors: [CheckedTensor]
  /// Index of the first chunk of each tensor, and the total.
  private let firstChunks: [Int]
  private let next = Atomic<Int>(0)
  private let state: Mutex<State>
  private let control: RunControl

  private init(_ tensors: [CheckedTensor], control: RunControl) {
    self.tensors = tensors
    self.control = control
    var first = [0]
    for tensor in tensors { first.append(first[first.count - 1] + tensor.chunkCount) }
    firstChunks = first
    state = Mutex(State(findings: Array(repeating: nil, count: tensors.count)))
  }

  /// The findings of all tensors, in their order.
  ///
  /// - Throws: `VerificationError` when a file cannot be read or somebody asked to stop.
  static func run(
    _ tensors: [CheckedTensor], files: [InputFile], checkpoint: Checkpoint?,
    options: VerificationOptions
  ) throws(VerificationError) -> [TensorFinding] {
    let sweep = Sweep(tensors, control: options.control)
    let pool = FilePool()
    let total = sweep.firstChunks[tensors.count]
    Threads.run(max(1, min(options.threadCount, total))) { _ in
      sweep.work(ChunkChecker(files: files, checkpoint: checkpoint, pool: pool))
    }
    let (findings, error) = sweep.state.withLock { ($0.findings, $0.error) }
    if let error { throw error }
    return findings.map { $0 ?? TensorFinding([], parts: nil) }
  }

  private func work(_ checker: ChunkChecker) {
    var tensor = 0
    while state.withLock({ $0.error == nil }) {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < firstChunks[tensors.count] else { return }
      // The chunks that one worker takes only ever go up.
      while firstChunks[tensor + 1] <= index { tensor += 1 }
      guard !control.isInterrupted else { return stop(.interrupted) }
      let chunk = index - firstChunks[tensor]
      do throws(FileError) {
        let (finding, byteCount) = try checker.check(tensors[tensor], chunk: chunk)
        add(finding, tensor: tensor, chunk: chunk)
        control.add(byteCount)
      } catch { return stop(.file(error)) }
    }
  }

  private func stop(_ error: VerificationError) {
    state.withLock { $0.error = $0.error ?? error }
  }

  /// Keeps the findings of a tensor's chunks until the last is there.
  private func add(_ finding: ChunkFinding, tensor: Int, chunk: Int) {
    let complete: [ChunkFinding]? = state.withLock { state in
      let count = tensors[tensor].chunkCount
      var progress =
        state.open.removeValue(forKey: tensor)
        ?? Progress(chunks: Array(repeating: nil, count: count), remaining: count)
      progress.chunks[chunk] = finding
      progress.remaining -= 1
      if progress.remaining == 0 { return progress.chunks.compactMap { $0 } }
      state.open[tensor] = progress
      return nil
    }
    guard let complete else { return }
    let expression = tensors[tensor].expression
    let parts = expression?.isStack ?? false ? expression?.sources.count : nil
    let result = TensorFinding(complete, parts: parts)
    state.withLock { $0.findings[tensor] = result }
  }
}
