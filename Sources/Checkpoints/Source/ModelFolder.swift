import QuernContainers

/// The files of a model folder, by name. Links are followed only where the Hugging Face cache makes
/// them: into a `blobs` folder of the same repository.
package struct ModelFolder: Sendable {
  package let path: String
  package let names: [String]

  package init(_ path: String) throws(FileError) {
    self.path = path
    names = try FileSystem.list(path)
  }

  package func contains(_ name: String) -> Bool { names.contains(name) }

  /// The path to open for a file of this folder.
  ///
  /// - Throws: `InputProblem` for a link that leaves the repository; `FileError` where nothing is.
  package func path(of name: String) throws(CheckpointError) -> String {
    let full = path + "/" + name
    do throws(FileError) {
      guard try FileSystem.kind(at: full) == .symbolicLink else { return full }
    } catch { throw .file(error) }
    return try resolvedBlob(full)
  }

  private func resolvedBlob(_ link: String) throws(CheckpointError) -> String {
    let target: String
    let folder: String
    do throws(FileError) {
      target = try FileSystem.canonicalPath(link)
      folder = try FileSystem.canonicalPath(path)
    } catch { throw .file(error) }
    let blobs = FileSystem.parent(of: target)
    let repository = FileSystem.parent(of: blobs)
    let snapshots = FileSystem.parent(of: folder)
    guard blobs == repository + "/blobs",
      folder == repository || snapshots == repository + "/snapshots"
    else {
      throw .problem(
        InputProblem(
          file: link, found: "a link to \(target.escapedForDisplay)",
          expected: "a file, or a link into the blobs of the same Hugging Face repository"))
    }
    return target
  }

  /// The contents of a file that may be absent.
  package func contents(of name: String, limit: Int) throws(CheckpointError) -> [UInt8]? {
    guard contains(name) else { return nil }
    let path = try path(of: name)
    do throws(FileError) {
      return try InputFile.contents(of: path, limit: limit)
    } catch { throw .file(error) }
  }
}
