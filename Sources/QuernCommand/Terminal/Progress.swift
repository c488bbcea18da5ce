import Quern
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How far a conversion, a verification or a run of a model is, on standard error: a bar on a terminal, a line now and then elsewhere.
struct Progress {
  private let control: RunControl
  /// What there is to do; nil where that is not known before.
  private let totalByteCount: Int?
  private let isTerminal: Bool
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  private static let barWidth = 24
  private static let pollMicroseconds: UInt32 = 10_000

  init(_ control: RunControl, totalByteCount: Int?) {
    self.control = control
    self.totalByteCount = totalByteCount
    isTerminal = isatty(Messages.descriptor) == 1 && Environment["TERM"] != "dumb"
    start = clock.now
  }

  /// Runs `body` on a thread of its own and reports until it returns.
  func watch<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value? {
    let result = ResultBox<Value>()
    let progress = self
    Threads.run(2) { index in
      // The work is the one with the new thread: if there is none, it runs here, unreported.
      if index == 1 { result.set(body()) } else { progress.report { result.isSet } }
    }
    return result.value
  }

  private func report(until isDone: () -> Bool) {
    let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
    var next = start + interval
    while !isDone() {
      usleep(Self.pollMicroseconds)
      guard clock.now >= next else { continue }
      next += interval
      Messages.raw(isTerminal ? "\r\u{1b}[K" + bar : "quern: \(line)\n")
    }
    if isTerminal { Messages.raw("\r\u{1b}[K") }
  }

  private var seconds: Double { (clock.now - start) / .seconds(1) }

  private var bar: String {
    guard let totalByteCount, totalByteCount > 0 else { return line }
    let filled = min(1, Double(control.processedByteCount) / Double(totalByteCount))
    let count = Int(filled * Double(Self.barWidth))
    return "[" + String(repeating: "=", count: count)
      + String(repeating: " ", count: Self.barWidth - count) + "] " + line
  }

  private var line: String {
    let done = control.processedByteCount
    let rate = Double(done) / max(seconds, 1e-3)
    let speed = "\((rate / 1e9).fixed(2)) GB/s"
    guard let total = totalByteCount else { return "\(done.bytesText), \(speed)" }
    // Between the last chunk and the end, the disk is waited for.
    guard done < total else { return "\(done.bytesText), writing to disk" }
    let left = rate > 0 ? Double(total - done) / rate : .infinity
    let percent = 100 * Double(done) / Double(total)
    return "\(percent.fixed(1)) %, \(done.bytesText) of \(total.bytesText), \(speed), "
      + "\(left.durationText) left"
  }
}

/// A value that one thread makes and another waits for.
private final class ResultBox<Value: Sendable>: Sendable {
  private let state = Mutex<Value?>(nil)

  var value: Value? { state.withLock { $0 } }
  var isSet: Bool { state.withLock { $0 != nil } }
  func set(_ value: Value) { state.withLock { $0 = value } }
}

extension Double {
  /// Seconds as people read them: 0.4 s, 12 s, 3 min 5 s, 2 h 7 min.
  var durationText: String {
    guard isFinite, self < 1e9 else { return "a long time" }
    if self < 9.95 { return fixed(1) + " s" }
    let seconds = Int(rounded())
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }
}
