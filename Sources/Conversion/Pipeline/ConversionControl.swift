import Synchronization

/// What a conversion shares with whoever watches it: how far it is, and whether it should stop.
public final class ConversionControl: Sendable {
  private let processed = Atomic<Int>(0)
  private let interruption = Atomic<Bool>(false)

  public init() {}

  /// Source bytes that are done.
  public var processedByteCount: Int { processed.load(ordering: .relaxed) }

  public var isInterrupted: Bool { interruption.load(ordering: .relaxed) }

  /// Asks all workers to stop after their chunk. Safe in a signal handler.
  public func interrupt() { interruption.store(true, ordering: .relaxed) }

  package func add(_ byteCount: Int) { processed.wrappingAdd(byteCount, ordering: .relaxed) }
}
