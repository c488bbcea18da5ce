import QuernContainers

/// The files that a calibration makes, NAME.imatrix.gguf and NAME.safetensors: partial files that
/// become visible together, when both are whole.
package struct CalibrationOutput: Sendable {
  /// NAME, with its folder.
  package let path: String
  package let writesImatrix: Bool
  package let writesStatistics: Bool

  package init(path: String, kinds: CalibrationOptions.Kinds) {
    self.path = path
    writesImatrix = kinds.contains(.imatrix)
    writesStatistics = kinds.contains(.ranges) || kinds.contains(.hessians)
  }

  package var imatrixPath: String { path + ".imatrix.gguf" }
  package var statisticsPath: String { path + ".safetensors" }

  /// The files to publish, in the order in which they appear.
  package var paths: [String] {
    (writesStatistics ? [statisticsPath] : []) + (writesImatrix ? [imatrixPath] : [])
  }

  /// Sums of squares while they are collected.
  var collectedPath: String { path + ".squares" }

  static let partialSuffix = ".quern-partial"

  private var partialPaths: [String] {
    (paths + (writesImatrix ? [collectedPath] : [])).map { $0 + Self.partialSuffix }
  }

  /// Refuses files that exist, what an earlier run left behind, and a disk that is too small.
  ///
  /// - Parameter overwrite: whether files and leftovers may be replaced.
  package func check(byteCount: Int, overwrite: Bool) throws(CalibrationFailure) {
    let folder = FileSystem.parent(of: path)
    guard FileSystem.isFolder(folder) else {
      throw .cannotCreate(path: folder, reason: "no such folder", advice: "make it first")
    }
    for path in paths where FileSystem.exists(path) {
      guard !FileSystem.isFolder(path) else {
        throw .cannotCreate(path: path, reason: "is a folder", advice: "choose another output")
      }
      guard overwrite else {
        throw .cannotCreate(
          path: path, reason: "exists already", advice: "--overwrite replaces it")
      }
    }
    for path in partialPaths where FileSystem.exists(path) {
      try removeLeftover(path, overwrite: overwrite)
    }
    if let free = try? FileSystem.freeByteCount(at: folder), free < byteCount {
      throw .cannotCreate(
        path: folder, reason: "\(byteCount) bytes are needed, \(free) are free",
        advice: "make room or choose another disk")
    }
  }

  private func removeLeftover(_ path: String, overwrite: Bool) throws(CalibrationFailure) {
    var isBusy = false
    do throws(FileError) {
      isBusy = try FileSystem.isLockedByAnother(path)
      if !isBusy, overwrite { try FileSystem.remove(path) }
    } catch {
      throw .cannotCreate(path: path, reason: "\(error)", advice: "remove it first")
    }
    if isBusy { throw .busy(path: path) }
    guard overwrite else {
      throw .cannotCreate(
        path: path, reason: "an earlier run left it behind", advice: "--overwrite removes it")
    }
  }

  /// Creates the partial file of one of the paths.
  func create(_ path: String) throws(CalibrationFailure) -> OutputFile {
    do throws(FileError) {
      return try OutputFile(creating: path + Self.partialSuffix, durable: path != collectedPath)
    } catch {
      throw error.kind == .busy
        ? .busy(path: path)
        : .cannotCreate(path: path, reason: "\(error)", advice: "choose another output")
    }
  }

  /// Makes whole files durable, then visible.
  func publish(_ files: [OutputFile], overwrite: Bool) throws(CalibrationFailure) {
    var published: [String] = []
    do throws(FileError) {
      for file in files { try file.synchronize() }
      for path in paths {
        try FileSystem.rename(from: path + Self.partialSuffix, to: path, replacing: overwrite)
        published.append(path)
      }
      try FileSystem.syncFolder(containing: path)
      for file in files { try file.finish() }
    } catch {
      if !overwrite { for path in published { try? FileSystem.remove(path) } }
      guard error.kind == .alreadyExists else { throw .model(.file(error)) }
      throw .cannotCreate(
        path: error.path, reason: "appeared meanwhile", advice: "--overwrite replaces it")
    }
  }

  /// Removes partial files that this run made.
  func discard(_ files: [OutputFile]) {
    for file in files {
      try? file.abandon()
      if FileSystem.exists(file.path) { try? FileSystem.remove(file.path) }
    }
  }
}
