import CPlatform

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Questions to the file system, and changes of names in it.
package enum FileSystem {
  package enum EntryKind: Equatable, Sendable { case file, folder, symbolicLink, other }

  // MARK: Questions

  /// What is at a path, without following a link at its end; nil when nothing is.
  package static func kind(at path: String) throws(FileError) -> EntryKind? {
    try path.checkPath(for: .examine)
    var status = stat()
    do throws(FileError) {
      try systemCall(path, .examine) { lstat(path, &status) }
    } catch {
      guard error.kind == .notFound else { throw error }
      return nil
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    case S_IFLNK: return .symbolicLink
    default: return .other
    }
  }

  /// True when the name is taken, if only by a link that leads nowhere.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return !path.utf8.contains(0) && lstat(path, &status) == 0
  }

  /// True for a folder, or a link to one.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return !path.utf8.contains(0) && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether everybody may read a file; nil where nothing is.
  package static func isReadableByAll(_ path: String) -> Bool? {
    var status = stat()
    guard !path.utf8.contains(0), stat(path, &status) == 0 else { return nil }
    return status.st_mode & (S_IRUSR | S_IRGRP | S_IROTH) == S_IRUSR | S_IRGRP | S_IROTH
  }

  package static func isSymbolicLink(_ path: String) -> Bool {
    (try? kind(at: path)) == .symbolicLink
  }

  /// The names in a folder, in the order of their bytes, without `.` and `..`.
  package static func list(_ folder: String) throws(FileError) -> [String] {
    try folder.checkPath(for: .list)
    guard let stream = opendir(folder) else { throw FileError(folder, .list, errno: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee))
        { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw FileError(folder, .list, errno: errno) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Bytes that this user can still write to the disk that holds a path.
  package static func freeByteCount(at path: String) throws(FileError) -> Int {
    try path.checkPath(for: .examine)
    var status = statvfs()
    try systemCall(path, .examine) { statvfs(path, &status) }
    let (byteCount, overflow) = Int(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
    return overflow ? .max : byteCount
  }

  /// The absolute path with every link and `..` resolved.
  package static func canonicalPath(_ path: String) throws(FileError) -> String {
    try path.checkPath(for: .resolve)
    guard let resolved = realpath(path, nil) else { throw FileError(path, .resolve, errno: errno) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Where a symbolic link points, as it is written.
  package static func linkTarget(_ path: String) throws(FileError) -> String {
    try path.checkPath(for: .resolve)
    let capacity = Int(PATH_MAX)
    var target = [CChar](repeating: 0, count: capacity)
    let count = try systemCall(path, .resolve) { readlink(path, &target, capacity) }
    return String(
      decoding: target[..<count].lazy.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
  }

  /// True while an `OutputFile` of another process, or another one of this process, is open there.
  package static func isLockedByAnother(_ path: String) throws(FileError) -> Bool {
    try path.checkPath(for: .lock)
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
    let descriptor = try systemCall(path, .lock) { open(path, flags) }
    defer { close(descriptor) }
    return quern_lock_exclusively(descriptor) == EWOULDBLOCK
  }

  // MARK: Changes

  /// Gives a file or folder another name on the same disk.
  ///
  /// - Parameter replacing: whether a file of the new name may be replaced. If not, and there is
  ///   one, the error's kind is `alreadyExists`.
  package static func rename(from: String, to: String, replacing: Bool) throws(FileError) {
    try from.checkPath(for: .rename)
    try to.checkPath(for: .rename)
    if !replacing {
      let code = quern_rename_without_replacing(from, to)
      if code == 0 { return }
      guard code == EINVAL || code == ENOSYS else {
        throw FileError(code == EEXIST ? to : from, .rename, errno: code)
      }
      // Some network file systems cannot do both in one step; there the check has to come first.
      guard !exists(to) else { throw FileError(to, .rename, .alreadyExists) }
    }
    try systemCall(from, .rename) {
      #if canImport(Glibc)
        Glibc.rename(from, to)
      #else
        Darwin.rename(from, to)
      #endif
    }
  }

  /// Removes a file, a link (never what it points to) or an empty folder.
  package static func remove(_ path: String) throws(FileError) {
    let isFolder = try kind(at: path) == .folder
    try systemCall(path, .remove) { isFolder ? rmdir(path) : unlink(path) }
  }

  /// Removes a file, or a folder and all that is in it; links are removed, not followed.
  package static func removeTree(_ path: String) throws(FileError) {
    if try kind(at: path) == .folder {
      for name in try list(path) { try removeTree(path + "/" + name) }
    }
    try remove(path)
  }

  /// Makes one folder; its parent must exist.
  package static func makeFolder(_ path: String) throws(FileError) {
    try path.checkPath(for: .makeFolder)
    try systemCall(path, .makeFolder) { mkdir(path, 0o777) }
  }

  /// Makes a rename or removal in the folder of `path` survive a power cut.
  package static func syncFolder(containing path: String) throws(FileError) {
    let folder = parent(of: path)
    try folder.checkPath(for: .sync)
    let descriptor = try systemCall(folder, .sync) { open(folder, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    let code = quern_sync_file(descriptor)
    // Not every file system lets a folder be synchronized; then there is nothing to wait for.
    guard code == 0 || code == EINVAL || code == EBADF else {
      throw FileError(folder, .sync, errno: code)
    }
  }

  /// The folder part of a path: `.` for a bare name.
  package static func parent(of path: String) -> String {
    guard let slash = path.utf8.dropLast(path.utf8.last == 0x2f ? 1 : 0).lastIndex(of: 0x2f)
    else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
