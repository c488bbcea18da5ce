import Foundation
import QuernContainers
import QuernTestSupport
import Testing

struct FileSystemTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func tellsWhatIsAtAPath() throws {
    let file = try folder.write("file", [1])
    let link = folder.path("link")
    #expect(symlink("nowhere", link) == 0)
    #expect(mkfifo(folder.path("fifo"), 0o600) == 0)
    #expect(try FileSystem.kind(at: file) == .file)
    #expect(try FileSystem.kind(at: folder.url.path) == .folder)
    #expect(try FileSystem.kind(at: link) == .symbolicLink)
    #expect(try FileSystem.kind(at: folder.path("fifo")) == .other)
    #expect(try FileSystem.kind(at: folder.path("none")) == nil)
    #expect(FileSystem.exists(link))
    #expect(!FileSystem.exists(folder.path("none")))
    #expect(try FileSystem.linkTarget(link) == "nowhere")
    #expect(FileSystem.isFolder(folder.url.path))
    #expect(!FileSystem.isFolder(file))
    #expect(!FileSystem.isFolder(link))
  }

  @Test func renamesWithoutReplacingUnlessAsked() throws {
    let (a, b) = (try folder.write("a", [1]), try folder.write("b", [2]))
    #expect(throws: FileError(b, .rename, .alreadyExists)) {
      try FileSystem.rename(from: a, to: b, replacing: false)
    }
    #expect(try InputFile.contents(of: b, limit: 9) == [2])
    try FileSystem.rename(from: a, to: b, replacing: true)
    #expect(try InputFile.contents(of: b, limit: 9) == [1])
    try FileSystem.rename(from: b, to: folder.path("c"), replacing: false)
    #expect(try folder.names() == ["c"])
  }

  @Test func listsNamesInTheOrderOfTheirBytes() throws {
    for name in ["b", "é", "a10", "a2", "Z"] { _ = try folder.write(name, []) }
    #expect(try FileSystem.list(folder.url.path) == ["Z", "a10", "a2", "b", "é"])
    #expect(throws: FileError.self) { try FileSystem.list(folder.path("none")) }
  }

  @Test func makesAndRemovesFoldersAndFiles() throws {
    let inner = folder.path("inner")
    try FileSystem.makeFolder(inner)
    #expect(throws: FileError(inner, .makeFolder, .alreadyExists)) {
      try FileSystem.makeFolder(inner)
    }
    _ = try folder.write("inner/file", [])
    #expect(throws: FileError(inner, .remove, .alreadyExists)) { try FileSystem.remove(inner) }
    try FileSystem.remove(inner + "/file")
    try FileSystem.syncFolder(containing: inner + "/file")
    try FileSystem.remove(inner)
    #expect(throws: FileError(inner, .remove, .notFound)) { try FileSystem.remove(inner) }
  }

  @Test func removesALinkAndNotItsTarget() throws {
    _ = try folder.write("target", [1])
    #expect(symlink("target", folder.path("link")) == 0)
    try FileSystem.remove(folder.path("link"))
    #expect(try folder.names() == ["target"])
  }

  @Test func resolvesLinksAndDots() throws {
    let file = try folder.write("file", [])
    #expect(symlink("file", folder.path("link")) == 0)
    let real = try FileSystem.canonicalPath(file)
    #expect(
      try FileSystem.canonicalPath(
        folder.url.path + "/../"
          + folder.url.lastPathComponent + "/link") == real)
    #expect(throws: FileError.self) { try FileSystem.canonicalPath(folder.path("none")) }
  }

  @Test(arguments: [("a", "."), ("a/b", "a"), ("/a", "/"), ("/a/b/", "/a"), ("./a", ".")])
  func knowsTheFolderOfAPath(path: String, parent: String) {
    #expect(FileSystem.parent(of: path) == parent)
  }

  @Test func countsFreeBytes() throws {
    #expect(try FileSystem.freeByteCount(at: folder.url.path) > 0)
  }
}
