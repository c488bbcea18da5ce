import QuernContainers
import Synchronization

/// Threads that take tasks from a counter, each with the number of its own buffers. What tasks write
/// must not depend on who runs them.
package struct Workers: Sendable {
  package let count: Int
  package let control: RunControl

  package init(count: Int, control: RunControl) {
    self.count = max(1, count)
    self.control = control
  }

  /// Runs every task once. The error of the first task in order is the one reported.
  ///
  /// - Parameter body: a worker's number and the task's.
  package func run(
    _ taskCount: Int, _ body: @escaping @Sendable (Int, Int) throws(ModelError) -> Void
  ) throws(ModelError) {
    let next = Atomic<Int>(0)
    let failure = Mutex<(task: Int, error: ModelError)?>(nil)
    let control = control
    @Sendable func work(_ worker: Int) {
      while true {
        let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < taskCount else { return }
        do throws(ModelError) {
          if control.isInterrupted { throw .interrupted }
          try body(worker, task)
        } catch {
          failure.withLock { if task < $0?.task ?? .max { $0 = (task, error) } }
          next.store(taskCount, ordering: .relaxed)
          return
        }
      }
    }
    let threads = min(count, taskCount)
    if threads <= 1 { work(0) } else { Threads.run(threads, work) }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
  }
}
