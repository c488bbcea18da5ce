import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where a checkpoint is: a folder, or an `org/name[@revision]` of the Hugging Face cache, looked up
/// offline.
package struct CheckpointLocation: Sendable {
  package let folder: String
  package let repositoryID: String?
  /// The commit of a cached snapshot.
  package let revision: String?

  /// - Parameter environment: where the cache is: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
  ///   `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
  package init(
    _ argument: String, environment: [String: String]
  ) throws(CheckpointError) {
    if FileSystem.exists(argument) {
      folder = argument
      (repositoryID, revision) = Self.identity(ofSnapshot: argument)
      return
    }
    guard let repository = Self.repository(argument) else {
      throw .notFound(path: argument, hint: "expected a folder, a file or org/name[@revision]")
    }
    let hub = Self.hubFolder(environment)
    let root = "\(hub)/models--" + repository.id.split(separator: "/").joined(separator: "--")
    let commit = try Self.commit(of: repository.revision, root: root, argument: argument)
    let snapshot = "\(root)/snapshots/\(commit)"
    guard FileSystem.isFolder(snapshot) else {
      throw .notFound(
        path: argument, hint: "no such folder, and the cache has no snapshot at \(snapshot)")
    }
    folder = snapshot
    repositoryID = repository.id
    revision = commit
  }

  private static func repository(_ argument: String) -> (id: String, revision: String)? {
    let halves = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
    let isName = { (part: Substring) in
      !part.isEmpty && part.first != "."
        && part.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) }
    }
    guard parts.count == 2, parts.allSatisfy(isName) else { return nil }
    let revision = halves.count == 2 ? String(halves[1]) : "main"
    guard isSafeRevision(revision) else { return nil }
    return (String(halves[0]), revision)
  }

  /// Revisions become paths below `refs/`: branch names may hold slashes, but nothing climbs.
  private static func isSafeRevision(_ revision: String) -> Bool {
    !revision.isEmpty && !revision.hasPrefix("/")
      && revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("\0")
      }
  }

  private static func hubFolder(_ environment: [String: String]) -> String {
    if let cache = environment["HF_HUB_CACHE"], !cache.isEmpty { return cache }
    if let home = environment["HF_HOME"], !home.isEmpty { return home + "/hub" }
    if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
      return cache + "/huggingface/hub"
    }
    return (environment["HOME"] ?? "") + "/.cache/huggingface/hub"
  }

  private static func commit(of revision: String, root: String, argument: String)
    throws(CheckpointError) -> String
  {
    if FileSystem.isFolder("\(root)/snapshots/\(revision)") { return revision }
    do throws(FileError) {
      let bytes = try InputFile.contents(of: "\(root)/refs/\(revision)", limit: 256)
      let text = String(decoding: bytes, as: UTF8.self)
      let commit = String(text.prefix { $0.isHexDigit })
      guard !commit.isEmpty else {
        throw FileError("\(root)/refs/\(revision)", .read, .notFound)
      }
      return commit
    } catch {
      throw .notFound(path: argument, hint: "no such folder, and not in the cache at \(root)")
    }
  }

  /// The id and commit of a folder given as `…/models--org--name/snapshots/COMMIT`.
  private static func identity(ofSnapshot path: String) -> (String?, String?) {
    guard let canonical = try? FileSystem.canonicalPath(path) else { return (nil, nil) }
    let parts = canonical.split(separator: "/").map(String.init)
    guard parts.count >= 3, parts[parts.count - 2] == "snapshots",
      parts[parts.count - 3].hasPrefix("models--")
    else { return (nil, nil) }
    let id = parts[parts.count - 3].dropFirst("models--".count)
    guard let separator = id.firstRange(of: "--") else { return (nil, nil) }
    return (
      id[..<separator.lowerBound] + "/" + id[separator.upperBound...], parts[parts.count - 1]
    )
  }
}
