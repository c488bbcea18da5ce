import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct FilePoolTests {
  @Test func keepsTheMostRecentlyUsedFilesOpen() throws {
    let folder = try TemporaryFolder()
    let paths = try (0..<4).map { try folder.write("\($0)", [UInt8($0)]) }
    let pool = FilePool(limit: 2)
    let first = try pool.file(at: paths[0])
    _ = try pool.file(at: paths[1])
    #expect(try pool.file(at: paths[0]) === first)
    _ = try pool.file(at: paths[2])
    #expect(pool.openCount == 2)
    #expect(try pool.file(at: paths[0]) === first)
    _ = try pool.file(at: paths[1])
    _ = try pool.file(at: paths[3])
    #expect(pool.openCount == 2)
    #expect(try pool.file(at: paths[0]) !== first)
  }

  @Test func aFileThatWasLetGoStaysReadableForItsHolder() throws {
    let folder = try TemporaryFolder()
    let pool = FilePool(limit: 1)
    let held = try pool.file(at: folder.write("a", [7]))
    _ = try pool.file(at: folder.write("b", [8]))
    #expect(try held.bytes(in: ByteRange(offset: 0, byteCount: 1)) == [7])
  }

  @Test func aFailureLeavesThePoolUsable() throws {
    let folder = try TemporaryFolder()
    let pool = FilePool(limit: 1)
    #expect(throws: FileError.self) { try pool.file(at: folder.path("none")) }
    #expect(try pool.file(at: folder.write("a", [7])).byteCount == 1)
  }
}
