import Synchronization

/// Opens files when they are first read and keeps the most recently used ones open, so that a
/// checkpoint of hundreds of shards needs few descriptors.
///
/// A file that the pool lets go stays open for whoever still holds it.
package final class FilePool: Sendable {
  private struct Entry {
    let file: InputFile
    var lastUse: Int
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var useCount = 0
  }

  package let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: files kept open at most.
  package init(limit: Int = 32) { self.limit = max(1, limit) }

  /// Files that the pool holds open now.
  package var openCount: Int { state.withLock { $0.entries.count } }

  /// The file at a path, open.
  package func file(at path: String) throws(FileError) -> InputFile {
    try state.withLock { (state) throws(FileError) -> InputFile in
      state.useCount += 1
      if let entry = state.entries[path] {
        state.entries[path]?.lastUse = state.useCount
        return entry.file
      }
      let oldest = state.entries.min { $0.value.lastUse < $1.value.lastUse }
      if state.entries.count >= limit, let oldest {
        state.entries[oldest.key] = nil
      }
      let file = try InputFile(path: path)
      state.entries[path] = Entry(file: file, lastUse: state.useCount)
      return file
    }
  }
}
