#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Plain threads for work that blocks on files: the cooperative pool would starve.
package enum Threads {
  private final class Start {
    let index: Int
    let body: @Sendable (Int) -> Void

    init(index: Int, body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }

  /// Runs `body` once for each index below `count`, each on a thread of its own, and waits for all.
  /// Where no further thread can be had, the caller's does the work.
  package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads: [pthread_t] = []
    for index in 1..<max(1, count) {
      let start = Unmanaged.passRetained(Start(index: index, body: body))
      #if canImport(Glibc)
        var thread = pthread_t()
        let code = pthread_create(
          &thread, nil,
          { argument in
            guard let argument else { return nil }
            let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            start.body(start.index)
            return nil
          }, start.toOpaque())
        let created: pthread_t? = code == 0 ? thread : nil
      #else
        var thread: pthread_t?
        let code = pthread_create(
          &thread, nil,
          { argument in
            let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            start.body(start.index)
            return nil
          }, start.toOpaque())
        let created = code == 0 ? thread : nil
      #endif
      if let created {
        threads.append(created)
      } else {
        start.release()
        body(index)
      }
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }
}
