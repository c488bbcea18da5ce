import QuernContainers

/// The files of an output while they are written (`NAME.quern-partial`), and their publication.
struct OutputFiles: ConversionOutput {
  let folder: String
  let names: [String]
  let certificateName: String
  private(set) var files: [OutputFile] = []

  private func final(_ name: String) -> String { folder + "/" + name }
  private func partial(_ name: String) -> String { folder + "/" + name + partialSuffix }

  init(folder: String, names: [String], certificateName: String) {
    self.folder = folder
    self.names = names
    self.certificateName = certificateName
  }

  /// Refuses an output that exists, is being written, was left behind, or is its own source.
  func check(overwrite: Bool, restart: Bool, sources: [String]) throws(ConversionError) {
    guard FileSystem.isFolder(folder) else {
      throw .cannotCreate(path: folder, reason: "no such folder", advice: "make it first")
    }
    for name in names {
      let path = final(name)
      if FileSystem.isFolder(path) {
        throw .cannotCreate(path: path, reason: "is a folder", advice: "choose another output")
      }
      if FileSystem.exists(path) {
        guard overwrite else {
          throw .cannotCreate(
            path: path, reason: "exists already", advice: "--overwrite replaces it")
        }
        if let canonical = try? FileSystem.canonicalPath(path), sources.contains(canonical) {
          throw .cannotCreate(
            path: path, reason: "is a file of the checkpoint", advice: "choose another output")
        }
      }
    }
    let certificate = final(certificateName)
    if !overwrite, FileSystem.exists(certificate) {
      throw .cannotCreate(
        path: certificate, reason: "exists already", advice: "--overwrite replaces it")
    }
    for name in names + [certificateName] { try checkLeftover(partial(name), restart: restart) }
  }

  /// Creates every partial file at its full size and writes the headers.
  mutating func create(_ plan: ConversionPlan, durable: Bool) throws(ConversionError) {
    for file in plan.files {
      let path = partial(file.name)
      files.append(try createFile(file, at: path, durable: durable))
    }
  }

  /// Makes everything durable, then visible: the certificate first, the parts from the last to the
  /// first, so that whoever opens the first part finds the others.
  func publish(
    certificate write: (OutputFile) throws(FileError) -> Void, overwrite: Bool, durable: Bool
  )
    throws(ConversionError)
  {
    var published: [String] = []
    do throws(FileError) {
      if durable { for file in files { try file.synchronize() } }
      let certificate = try OutputFile(creating: partial(certificateName), durable: durable)
      try write(certificate)
      try certificate.finish()
      // The locks are held until the names are final: nobody takes these files for leftovers.
      for name in [certificateName] + names.reversed() {
        try FileSystem.rename(from: partial(name), to: final(name), replacing: overwrite)
        published.append(name)
      }
      if durable { try FileSystem.syncFolder(containing: final(certificateName)) }
      for file in files { try file.finish() }
    } catch {
      // What was overwritten is gone either way; without that, half an output must not stay.
      if !overwrite { for name in published { try? FileSystem.remove(final(name)) } }
      throw error.kind == .alreadyExists
        ? .cannotCreate(
          path: error.path, reason: "appeared meanwhile", advice: "--overwrite replaces it")
        : .file(error)
    }
  }

  /// Removes what a failed run wrote.
  func discard() {
    for file in files { try? file.abandon() }
    let created = names.prefix(files.count) + (files.count == names.count ? [certificateName] : [])
    for name in created where FileSystem.exists(partial(name)) {
      try? FileSystem.remove(partial(name))
    }
  }
}
