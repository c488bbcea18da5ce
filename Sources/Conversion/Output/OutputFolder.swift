import QuernContainers

/// A folder that is built beside its place (`NAME.quern-partial`) and renamed when it is whole: who
/// lists a folder never meets half a model.
struct OutputFolder: ConversionOutput {
  /// The certificate's name in the folder.
  static let certificateName = "quern-certificate.json"

  private let path: String
  private let names: [String]
  private(set) var files: [OutputFile] = []
  /// Whether the partial folder is ours to remove.
  private var isCreated = false

  /// - Parameter path: of the folder to make.
  init(path: String, names: [String]) {
    var path = path[...]
    while path.count > 1, path.last == "/" { path = path.dropLast() }
    self.path = String(path)
    self.names = names
  }

  private var partial: String { path + partialSuffix }
  /// Where an output goes that is replaced, until the new one is in its place.
  private var replaced: String { path + ".quern-replaced" }

  func check(overwrite: Bool, restart: Bool, sources: [String]) throws(ConversionError) {
    let parent = FileSystem.parent(of: path)
    guard FileSystem.isFolder(parent) else {
      throw .cannotCreate(path: parent, reason: "no such folder", advice: "make it first")
    }
    try checkLeftover(partial, restart: restart)
    if restart { try putBack() }
    try checkLeftover(replaced, restart: restart)
    guard FileSystem.exists(path) else { return }
    guard overwrite else {
      throw .cannotCreate(path: path, reason: "exists already", advice: "--overwrite replaces it")
    }
    // A folder with anything else in it is somebody's work.
    guard FileSystem.isFolder(path), FileSystem.exists(path + "/" + Self.certificateName) else {
      throw .cannotCreate(
        path: path, reason: "is no folder that Quern made", advice: "choose another output")
    }
    if let canonical = try? FileSystem.canonicalPath(path),
      sources.contains(where: { $0.hasPrefix(canonical + "/") })
    {
      throw .cannotCreate(
        path: path, reason: "is the checkpoint itself", advice: "choose another output")
    }
  }

  /// A run that ended between two renames has left a whole output, with its certificate, under the name
  /// of one that is replaced: it is put back, not removed.
  private func putBack() throws(ConversionError) {
    guard FileSystem.exists(replaced + "/" + Self.certificateName), !FileSystem.exists(path) else {
      return
    }
    do throws(FileError) {
      try FileSystem.rename(from: replaced, to: path, replacing: false)
    } catch { throw .file(error) }
  }

  mutating func create(_ plan: ConversionPlan, durable: Bool) throws(ConversionError) {
    do throws(FileError) {
      try FileSystem.makeFolder(partial)
      isCreated = true
      for folder in Self.folders(plan) { try FileSystem.makeFolder(partial + "/" + folder) }
    } catch {
      throw .cannotCreate(path: partial, reason: "\(error)", advice: "choose another output")
    }
    for file in plan.files {
      files.append(try createFile(file, at: partial + "/" + file.name, durable: durable))
    }
  }

  /// Folders inside, which names of files may begin with.
  private static func folders(_ plan: ConversionPlan) -> Set<String> {
    Set(
      plan.files.compactMap { file in
        file.name.firstIndex(of: "/").map { String(file.name[..<$0]) }
      })
  }

  func publish(
    certificate write: (OutputFile) throws(FileError) -> Void, overwrite: Bool, durable: Bool
  ) throws(ConversionError) {
    do throws(FileError) {
      if durable { for file in files { try file.synchronize() } }
      let certificate = try OutputFile(
        creating: partial + "/" + Self.certificateName, durable: durable)
      try write(certificate)
      try certificate.finish()
      if durable { try FileSystem.syncFolder(containing: partial + "/" + Self.certificateName) }
      let replaces = overwrite && FileSystem.exists(path)
      if replaces { try FileSystem.rename(from: path, to: replaced, replacing: false) }
      do throws(FileError) {
        try FileSystem.rename(from: partial, to: path, replacing: false)
      } catch {
        if replaces { try? FileSystem.rename(from: replaced, to: path, replacing: false) }
        throw error
      }
      if durable { try FileSystem.syncFolder(containing: path) }
      for file in files { try file.finish() }
      if replaces { try FileSystem.removeTree(replaced) }
    } catch {
      throw error.kind == .alreadyExists
        ? .cannotCreate(
          path: error.path, reason: "appeared meanwhile", advice: "--overwrite replaces it")
        : .file(error)
    }
  }

  func discard() {
    for file in files { try? file.abandon() }
    if isCreated { try? FileSystem.removeTree(partial) }
  }
}
