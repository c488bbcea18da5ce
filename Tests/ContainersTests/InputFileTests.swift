import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct InputFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func readsRunsAtAnyOffset() throws {
    let file = try InputFile(path: folder.write("a", Array(0..<100)))
    #expect(file.byteCount == 100)
    #expect(try file.bytes(in: ByteRange(offset: 40, byteCount: 3)) == [40, 41, 42])
    #expect(try file.bytes(in: ByteRange(offset: 100, byteCount: 0)) == [])
  }

  @Test func countsTheMissingBytesOfATruncatedFile() throws {
    let path = try folder.write("a", Array(0..<100))
    let file = try InputFile(path: path)
    let expected = FileError(path, .read, .truncated(expected: 30, found: 10))
    #expect(throws: expected) { try file.bytes(in: ByteRange(offset: 90, byteCount: 30)) }
    #expect(expected.description.hasSuffix("20 bytes are missing"))
  }

  @Test func aFileThatShrinksWhileOpenIsAnError() throws {
    let path = try folder.write("a", Array(0..<100))
    let file = try InputFile(path: path)
    #expect(truncate(path, 50) == 0)
    #expect(throws: FileError(path, .read, .truncated(expected: 20, found: 10))) {
      try file.bytes(in: ByteRange(offset: 40, byteCount: 20))
    }
  }

  @Test(arguments: [(-1, 1), (0, -1), (Int.max, 1), (1, Int.max), (Int.min, Int.min)])
  func refusesRunsThatNoFileHas(offset: Int, byteCount: Int) throws {
    let file = try InputFile(path: folder.write("a", [1]))
    #expect(throws: FileError.self) {
      try file.bytes(in: ByteRange(offset: offset, byteCount: byteCount))
    }
  }

  @Test func refusesAFIFOWithoutWaitingForAWriter() throws {
    let path = folder.path("fifo")
    #expect(mkfifo(path, 0o600) == 0)
    #expect(throws: FileError(path, .open, .notARegularFile)) { try InputFile(path: path) }
  }

  @Test(arguments: ["/dev/zero", "/dev", "/"])
  func refusesDevicesAndFolders(path: String) {
    #expect(throws: FileError(path, .open, .notARegularFile)) { try InputFile(path: path) }
  }

  @Test func namesWhatIsNotThere() {
    let path = folder.path("none")
    #expect(throws: FileError(path, .open, .notFound)) { try InputFile(path: path) }
  }

  @Test func aNULInAPathDoesNotNameAnotherFile() throws {
    let path = try folder.write("a", [1])
    #expect(throws: FileError.self) { try InputFile(path: path + "\0b") }
  }

  @Test func wholeFilesHaveALimit() throws {
    let path = try folder.write("a", [1, 2, 3])
    #expect(try InputFile.contents(of: path, limit: 3) == [1, 2, 3])
    #expect(throws: FileError(path, .read, .tooLarge(limit: 2))) {
      try InputFile.contents(of: path, limit: 2)
    }
  }

  @Test(
    arguments: [
      (ENOSPC, .noSpace), (EDQUOT, .noSpace), (EACCES, .permissionDenied),
      (EROFS, .permissionDenied),
      (ELOOP, .isASymbolicLink), (EWOULDBLOCK, .busy), (EIO, .system(errno: EIO)),
    ] as [(Int32, FileError.Kind)])
  func errorNumbersHaveNames(code: Int32, kind: FileError.Kind) {
    #expect(FileError("a", .write, errno: code).kind == kind)
  }

  @Test func messagesEscapeThePath() {
    let error = FileError("a\u{1b}[31m\n", .open, .notFound)
    #expect(error.description == "a\\u{1b}[31m\\u{a}: cannot open: it does not exist")
    #expect(
      FileError("a/b", .create, .notFound).description
        == "a/b: cannot create: its folder does not exist")
  }
}
