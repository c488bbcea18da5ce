import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct CheckpointLocationTests {
  private static let commit = "0123456789abcdef0123456789abcdef01234567"

  /// A cache with `org/name` at one commit, under `main` and a branch with a slash.
  private func cache(_ folder: TemporaryFolder, below hub: String) throws -> String {
    let root = folder.path(hub + "/models--org--name")
    let manager = FileManager.default
    let snapshot = "\(root)/snapshots/\(Self.commit)"
    try manager.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
    try manager.createDirectory(atPath: "\(root)/refs/refs/pr", withIntermediateDirectories: true)
    for ref in ["main", "refs/pr/1"] {
      try Data((Self.commit + "\n").utf8).write(to: URL(filePath: "\(root)/refs/\(ref)"))
    }
    return snapshot
  }

  @Test(arguments: [
    ("hub", ["HF_HUB_CACHE": "hub", "HF_HOME": "no", "XDG_CACHE_HOME": "no", "HOME": "no"]),
    ("h/hub", ["HF_HUB_CACHE": "", "HF_HOME": "h", "XDG_CACHE_HOME": "no", "HOME": "no"]),
    ("x/huggingface/hub", ["XDG_CACHE_HOME": "x", "HOME": "no"]),
    ("u/.cache/huggingface/hub", ["HF_HOME": "", "XDG_CACHE_HOME": "", "HOME": "u"]),
  ])
  func theCacheIsWhereTheEnvironmentSays(hub: String, environment: [String: String]) throws {
    let folder = try TemporaryFolder()
    let snapshot = try cache(folder, below: hub)
    let absolute = environment.mapValues { $0.isEmpty ? "" : folder.path($0) }
    for revision in ["", "@main", "@refs/pr/1", "@" + Self.commit] {
      let location = try CheckpointLocation("org/name" + revision, environment: absolute)
      #expect(location.folder == snapshot)
      #expect(location.repositoryID == "org/name")
      #expect(location.revision == Self.commit)
    }
  }

  @Test(arguments: [
    "org/name@v2", "org/other", "org/name@../main", "org/name@", "org/name@/main",
    "org/name@a//b", "org/name@refs/../main", "name", "org/name/more", "../name", "org/..",
    ".org/name", "org/na me", "org/", "/name", "", "org/name@.", "org/name@main/..",
  ])
  func whatTheCacheDoesNotHaveIsNotFound(argument: String) throws {
    let folder = try TemporaryFolder()
    _ = try cache(folder, below: "hub")
    #expect(throws: CheckpointError.self) {
      try CheckpointLocation(argument, environment: ["HF_HUB_CACHE": folder.path("hub")])
    }
  }

  @Test func aReferenceThatHoldsAPathIsNotFollowed() throws {
    let folder = try TemporaryFolder()
    _ = try cache(folder, below: "hub")
    try Data("../../../secret".utf8).write(
      to: URL(filePath: folder.path("hub/models--org--name/refs/bad")))
    #expect(throws: CheckpointError.self) {
      try CheckpointLocation("org/name@bad", environment: ["HF_HUB_CACHE": folder.path("hub")])
    }
  }

  @Test func aFolderWinsAndASnapshotKnowsItsRepository() throws {
    let folder = try TemporaryFolder()
    let snapshot = try cache(folder, below: "hub")
    let location = try CheckpointLocation(snapshot + "/", environment: [:])
    #expect(location.repositoryID == "org/name")
    #expect(location.revision == Self.commit)
    let plain = try CheckpointLocation(folder.url.path, environment: [:])
    #expect(plain.repositoryID == nil && plain.revision == nil)
  }

  // MARK: Links

  /// A snapshot whose files are links into `blobs`, as the cache has them.
  private func linkedModel(_ folder: TemporaryFolder, blobs: String) throws -> String {
    let snapshot = try cache(folder, below: "hub")
    let manager = FileManager.default
    let store = folder.path(blobs)
    try manager.createDirectory(atPath: store, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try manager.copyItem(
        at: TestData.url("stories260K/f32/\(name)"), to: URL(filePath: "\(store)/\(name)-blob"))
      try manager.createSymbolicLink(
        atPath: "\(snapshot)/\(name)", withDestinationPath: "\(store)/\(name)-blob")
    }
    return snapshot
  }

  @Test func linksIntoTheBlobsOfTheRepositoryAreFollowed() throws {
    let folder = try TemporaryFolder()
    _ = try linkedModel(folder, blobs: "hub/models--org--name/blobs")
    let checkpoint = try Checkpoint.open(
      "org/name", environment: ["HF_HUB_CACHE": folder.path("hub")])
    #expect(checkpoint.tensors.count == 47)
    #expect(checkpoint.repositoryID == "org/name")
    #expect(checkpoint.files.map(\.name) == ["model.safetensors"])
  }

  @Test(arguments: ["hub/models--other--name/blobs", "blobs", "hub/models--org--name/other"])
  func linksToAnywhereElseAreRefused(blobs: String) throws {
    let folder = try TemporaryFolder()
    let snapshot = try linkedModel(folder, blobs: blobs)
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint.open(snapshot, environment: [:])
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("link"))
  }

  @Test func aFileIsNoCheckpoint() {
    #expect(throws: CheckpointError.self) {
      try Checkpoint.open(
        TestData.url("stories260K/f32/model.safetensors").path, environment: [:])
    }
  }
}
