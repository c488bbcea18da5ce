/// A file that has its name when it is whole: until then it is `NAME.quern-partial`.
package struct NewFile: Sendable {
  package let path: String
  package let file: OutputFile
  private let replacing: Bool

  /// Removes a partial file that nobody writes any more where `replacing` says so.
  ///
  /// - Parameter replacing: whether a file of that name may be replaced.
  /// - Throws: `FileError` of kind `alreadyExists` where something has the name that may not be
  ///   replaced, or where an interrupted run left its partial behind; `busy` where one is being written.
  package init(_ path: String, replacing: Bool) throws(FileError) {
    try Self.check(path, replacing: replacing)
    let partial = path + ".quern-partial"
    if replacing, FileSystem.exists(partial) {
      guard try !FileSystem.isLockedByAnother(partial) else {
        throw FileError(partial, .create, .busy)
      }
      try FileSystem.remove(partial)
    }
    (self.path, self.replacing) = (path, replacing)
    file = try OutputFile(creating: partial, durable: true)
  }

  /// Refuses a name that is taken, before any work is done for it.
  package static func check(_ path: String, replacing: Bool) throws(FileError) {
    guard FileSystem.exists(path) else { return }
    guard replacing else { throw FileError(path, .create, .alreadyExists) }
    if FileSystem.isFolder(path) { throw FileError(path, .create, .notARegularFile) }
  }

  /// Makes the file durable, then visible.
  package func publish() throws(FileError) {
    do throws(FileError) {
      try file.finish()
      try FileSystem.rename(from: file.path, to: path, replacing: replacing)
      try FileSystem.syncFolder(containing: path)
    } catch {
      discard()
      throw error
    }
  }

  /// Removes what was written.
  package func discard() {
    try? file.abandon()
    if FileSystem.exists(file.path) { try? FileSystem.remove(file.path) }
  }

  /// Writes a small file.
  package static func publish(_ bytes: [UInt8], as path: String, replacing: Bool)
    throws(FileError)
  {
    let new = try NewFile(path, replacing: replacing)
    do throws(FileError) {
      try new.file.write(bytes, at: 0)
    } catch {
      new.discard()
      throw error
    }
    try new.publish()
  }
}
