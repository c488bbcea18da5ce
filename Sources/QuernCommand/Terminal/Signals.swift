import QuernContainers
import QuernConversion
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// SIGINT, SIGTERM and SIGHUP stop a conversion or a run of a model after the piece at hand, so that it
/// can clean up; at any other time, and the second time, they end the process at once.
enum Signals {
  /// What the handler asks to stop.
  static let control = RunControl()

  private static let first = Atomic<Int32>(0)
  private static let isConverting = Atomic<Bool>(false)

  /// The signal that stopped a conversion.
  static var received: Int32? {
    let number = first.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// Runs a conversion that a signal may stop.
  static func stoppable<Value>(_ body: () -> Value) -> Value {
    isConverting.store(true, ordering: .relaxed)
    defer { isConverting.store(false, ordering: .relaxed) }
    return body()
  }

  static func install() {
    // Statics are made on first use, which must not be in a handler.
    _ = (control, first.load(ordering: .relaxed), isConverting.load(ordering: .relaxed))
    // A reader of our output that goes away is an error of the write, not the end of a conversion.
    signal(SIGPIPE, SIG_IGN)
    // So is a limit on the size of files.
    signal(SIGXFSZ, SIG_IGN)
    var handled = sigset_t()
    sigemptyset(&handled)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&handled, number)
      let previous = signal(number, handler)
      // Under nohup, SIGHUP is ignored and stays so.
      if number == SIGHUP, isIgnoring(previous) { signal(number, SIG_IGN) }
    }
    // Some parents start their children with signals blocked.
    pthread_sigmask(SIG_UNBLOCK, &handled, nil)
  }

  private typealias Handler = @convention(c) (Int32) -> Void

  private static func isIgnoring(_ handler: Handler?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private static let handler: Handler = { number in
    let isFirst = first.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
    guard isFirst, isConverting.load(ordering: .relaxed) else { _exit(128 + number) }
    control.interrupt()
  }
}
