extension Progress {
  /// Runs work that a signal may stop, and says how far it is.
  static func run<Value: Sendable, Failure: Error>(
    isQuiet: Bool, totalByteCount: Int?,
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let work: @Sendable () -> Result<Value, Failure> = {
      Signals.stoppable { Result { () throws(Failure) in try body() } }
    }
    if isQuiet { return try work().get() }
    let progress = Progress(Signals.control, totalByteCount: totalByteCount)
    return try (progress.watch(work) ?? work()).get()
  }
}
