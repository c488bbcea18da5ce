import Synchronization

/// What long work shares with whoever watches it: how far it is, and whether it should stop.
public final class RunControl: Sendable {
  private let processed = Atomic<Int>(0)
  private let multiplyAdds = Atomic<Int>(0)
  private let interruption = Atomic<Bool>(false)

  public init() {}

  /// Bytes of sources that are done: weights that were converted, checked or run.
  public var processedByteCount: Int { processed.load(ordering: .relaxed) }

  public var isInterrupted: Bool { interruption.load(ordering: .relaxed) }

  /// Asks all workers to stop after the piece at hand. Safe in a signal handler.
  public func interrupt() { interruption.store(true, ordering: .relaxed) }

  /// Multiply-adds of products with weights.
  package var multiplyAddCount: Int { multiplyAdds.load(ordering: .relaxed) }

  package func add(multiplyAdds count: Int) {
    multiplyAdds.wrappingAdd(count, ordering: .relaxed)
  }

  package func add(_ byteCount: Int) { processed.wrappingAdd(byteCount, ordering: .relaxed) }
}
