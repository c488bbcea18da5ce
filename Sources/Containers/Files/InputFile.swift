import QuernTensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A regular file open for reading at any offset, from any thread.
///
/// Files are read, never mapped: one that shrinks while it is open is an error, not a signal.
package final class InputFile: Sendable {
  package let path: String
  /// Bytes of the file when it was opened.
  package let byteCount: Int
  private let descriptor: Int32

  /// Opens a file, following symbolic links. A FIFO, a device or a folder is refused at once.
  package init(path: String) throws(FileError) {
    try path.checkPath(for: .open)
    // Without O_NONBLOCK, opening a FIFO waits for somebody to write to it.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    let descriptor = try systemCall(path, .open) { open(path, flags) }
    var status = stat()
    let isExamined = fstat(descriptor, &status) == 0
    guard isExamined, status.st_mode & S_IFMT == S_IFREG else {
      let failure =
        isExamined
        ? FileError(path, .open, .notARegularFile) : FileError(path, .open, errno: errno)
      close(descriptor)
      throw failure
    }
    self.path = path
    self.byteCount = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills the buffer with the bytes from `offset` on.
  ///
  /// - Throws: `FileError` of kind `truncated` when the file ends before the buffer is full.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) {
    guard let base = buffer.baseAddress else { return }
    guard offset >= 0 else { throw FileError(path, .read, errno: EINVAL) }
    var done = 0
    while done < buffer.count {
      let count = try systemCall(path, .read) {
        pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
      }
      guard count > 0 else {
        throw FileError(path, .read, .truncated(expected: buffer.count, found: done))
      }
      done += count
    }
  }

  /// The bytes of a run. The run is checked against the file's size before memory is taken for it.
  package func bytes(in range: ByteRange) throws(FileError) -> [UInt8] {
    guard range.offset >= 0, range.byteCount >= 0 else {
      throw FileError(path, .read, errno: EINVAL)
    }
    let available = max(0, byteCount - range.offset)
    guard range.byteCount <= available else {
      throw FileError(path, .read, .truncated(expected: range.byteCount, found: available))
    }
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.byteCount) { buffer, count in
      do throws(FileError) {
        let target = UnsafeMutableRawBufferPointer(
          start: buffer.baseAddress, count: range.byteCount)
        try read(into: target, at: range.offset)
        count = range.byteCount
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The whole file, for the small ones: configs, indices, recipes.
  ///
  /// - Throws: `FileError` of kind `tooLarge` when it has more than `limit` bytes.
  package static func contents(of path: String, limit: Int) throws(FileError) -> [UInt8] {
    let file = try InputFile(path: path)
    guard file.byteCount <= limit else { throw FileError(path, .read, .tooLarge(limit: limit)) }
    return try file.bytes(in: ByteRange(offset: 0, byteCount: file.byteCount))
  }
}
