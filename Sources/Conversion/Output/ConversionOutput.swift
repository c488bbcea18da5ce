import QuernContainers

/// Where a conversion writes: partial files that become visible together, when all are whole.
protocol ConversionOutput {
  /// The files of the plan while they are written, in its order.
  var files: [OutputFile] { get }

  /// Refuses an output that exists, is being written, was left behind, or is its own source.
  func check(overwrite: Bool, restart: Bool, sources: [String]) throws(ConversionError)

  /// Creates every partial file at its full size and writes the headers.
  mutating func create(_ plan: ConversionPlan, durable: Bool) throws(ConversionError)

  /// Makes everything durable, then visible.
  func publish(
    certificate write: (OutputFile) throws(FileError) -> Void, overwrite: Bool, durable: Bool
  ) throws(ConversionError)

  /// Removes what a failed run wrote.
  func discard()
}

extension ConversionOutput {
  var partialSuffix: String { ".quern-partial" }

  /// Removes a partial that nobody writes any more, if that is asked for, and refuses it otherwise.
  func checkLeftover(_ path: String, restart: Bool) throws(ConversionError) {
    guard FileSystem.exists(path) else { return }
    var isBusy = false
    do throws(FileError) {
      isBusy = try FileSystem.isBusy(path)
      if !isBusy, restart { try FileSystem.removeTree(path) }
    } catch {
      throw .cannotCreate(path: path, reason: "\(error)", advice: "remove it first")
    }
    if isBusy { throw .busy(path: path) }
    guard restart else {
      throw .cannotCreate(
        path: path, reason: "an earlier conversion left it behind",
        advice: "--restart removes it and begins anew")
    }
  }

  func createFile(_ file: PlannedFile, at path: String, durable: Bool) throws(ConversionError)
    -> OutputFile
  {
    let output: OutputFile
    do throws(FileError) {
      output = try OutputFile(creating: path, durable: durable)
    } catch {
      throw error.kind == .busy
        ? .busy(path: path)
        : .cannotCreate(path: path, reason: "\(error)", advice: "choose another output")
    }
    do throws(FileError) {
      try output.setByteCount(file.byteCount)
      try output.write(file.header, at: 0)
    } catch {
      try? output.abandon()
      try? FileSystem.remove(path)
      throw .file(error)
    }
    return output
  }
}

extension FileSystem {
  /// True while somebody writes a file, or one of the files in a folder.
  fileprivate static func isBusy(_ path: String) throws(FileError) -> Bool {
    guard try kind(at: path) == .folder else { return try isLockedByAnother(path) }
    for name in try list(path) {
      let kind = try kind(at: path + "/" + name)
      if kind == .file || kind == .folder, try isBusy(path + "/" + name) { return true }
    }
    return false
  }
}
