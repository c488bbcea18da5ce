import CPlatform
import QuernTensors
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A new file, written at any offset from any thread.
///
/// It is created exclusively and never through a symbolic link, and locked while it is open, so
/// that another process can tell a partial in use from a leftover. When it is durable, bytes are
/// pushed to the disk while it is written, and all of them are there when `finish` returns.
package final class OutputFile: Sendable {
  private struct State {
    var writeBehind = WriteBehind()
    var isOpen = true
  }

  package let path: String
  private let isDurable: Bool
  private let descriptor: Int32
  private let state = Mutex(State())

  /// - Throws: `FileError` of kind `alreadyExists` or `isASymbolicLink` when the name is taken.
  package init(creating path: String, durable: Bool) throws(FileError) {
    try path.checkPath(for: .create)
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    do throws(FileError) {
      descriptor = try systemCall(path, .create) { open(path, flags, 0o666) }
    } catch {
      let isLink = error.kind == .alreadyExists && FileSystem.isSymbolicLink(path)
      throw isLink ? FileError(path, .create, .isASymbolicLink) : error
    }
    self.path = path
    isDurable = durable
    let code = quern_lock_exclusively(descriptor)
    // File systems without locks are used without: the lock is a courtesy to other processes.
    guard code == 0 || code != EWOULDBLOCK else { throw FileError(path, .lock, errno: code) }
  }

  deinit {
    if state.withLock({ $0.isOpen }) { close(descriptor) }
  }

  /// Writes all bytes from `offset` on.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    guard offset >= 0 else { throw FileError(path, .write, errno: EINVAL) }
    var done = 0
    while done < bytes.count {
      let count = try systemCall(path, .write) {
        pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
      }
      guard count > 0 else { throw FileError(path, .write, .noSpace) }
      done += count
    }
    guard isDurable else { return }
    let written = ByteRange(offset: offset, byteCount: bytes.count)
    try push(state.withLock { $0.writeBehind.note(written) })
  }

  /// Writes all bytes of an array from `offset` on.
  package func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try write(UnsafeRawBufferPointer(buffer), at: offset)
    }
  }

  /// Gives the file its size. Bytes that nothing has written are zeros.
  package func setByteCount(_ byteCount: Int) throws(FileError) {
    try systemCall(path, .resize) { ftruncate(descriptor, off_t(byteCount)) }
  }

  /// Waits until everything written is on the disk, when the file is durable.
  package func synchronize() throws(FileError) {
    guard isDurable else { return }
    let code = quern_sync_file(descriptor)
    guard code == 0 else { throw FileError(path, .sync, errno: code) }
  }

  /// Synchronizes and closes; the lock is gone afterwards. Nothing may be written any more.
  package func finish() throws(FileError) {
    try synchronize()
    try abandon()
  }

  /// Closes without waiting for the disk: for a file that is about to be removed.
  package func abandon() throws(FileError) {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    guard wasOpen else { return }
    // An interrupted close has closed the file all the same; trying again could close another's.
    guard close(descriptor) == 0 || errno == EINTR else {
      throw FileError(path, .write, errno: errno)
    }
  }

  private func push(_ work: WriteBehind.Work) throws(FileError) {
    for run in work.start {
      let code = quern_start_writeback(descriptor, Int64(run.offset), Int64(run.byteCount))
      guard code == 0 else { throw FileError(path, .write, errno: code) }
    }
    for run in work.finish {
      let code = quern_finish_writeback(descriptor, Int64(run.offset), Int64(run.byteCount))
      guard code == 0 else { throw FileError(path, .write, errno: code) }
    }
  }
}
