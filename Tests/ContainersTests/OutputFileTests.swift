import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct OutputFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [false, true])
  func writesAtAnyOffsetAndFillsWithZeros(durable: Bool) throws {
    let path = folder.path("out")
    let file = try OutputFile(creating: path, durable: durable)
    try file.setByteCount(8)
    try file.write([5, 6], at: 5)
    try file.write([1], at: 0)
    try file.write([], at: 3)
    try file.finish()
    #expect(try InputFile.contents(of: path, limit: 100) == [1, 0, 0, 0, 0, 5, 6, 0])
  }

  @Test func refusesANameThatIsTaken() throws {
    let path = try folder.write("out", [1])
    #expect(throws: FileError(path, .create, .alreadyExists)) {
      try OutputFile(creating: path, durable: false)
    }
    #expect(try InputFile.contents(of: path, limit: 100) == [1])
  }

  @Test(arguments: ["target", "nowhere"])
  func neverWritesThroughASymbolicLink(target: String) throws {
    _ = try folder.write("target", [1])
    let path = folder.path("out")
    #expect(symlink(target, path) == 0)
    #expect(throws: FileError(path, .create, .isASymbolicLink)) {
      try OutputFile(creating: path, durable: false)
    }
    #expect(try folder.names() == ["out", "target"])
  }

  @Test func namesAFolderThatIsNotThere() {
    let path = folder.path("none/out")
    #expect(throws: FileError(path, .create, .notFound)) {
      try OutputFile(creating: path, durable: false)
    }
  }

  @Test func isLockedUntilItIsFinished() throws {
    let path = folder.path("out")
    let file = try OutputFile(creating: path, durable: false)
    #expect(try FileSystem.isLockedByAnother(path))
    try file.finish()
    #expect(try !FileSystem.isLockedByAnother(path))
    try file.finish()
  }

  @Test func isUnlockedWhenItIsDropped() throws {
    let path = folder.path("out")
    do { _ = try OutputFile(creating: path, durable: false) }
    #expect(try !FileSystem.isLockedByAnother(path))
  }

  @Test func writesBackBehindTheWriterWithoutChangingABit() throws {
    let path = folder.path("out")
    let file = try OutputFile(creating: path, durable: true)
    let step = 8 << 20
    for index in 0..<20 {
      try file.write([UInt8](repeating: UInt8(index + 1), count: step), at: index * step)
    }
    try file.finish()
    let input = try InputFile(path: path)
    #expect(input.byteCount == 20 * step)
    for index in 0..<20 {
      let ends = [index * step, (index + 1) * step - 1]
      for offset in ends {
        #expect(try input.bytes(in: ByteRange(offset: offset, byteCount: 1)) == [UInt8(index + 1)])
      }
    }
  }
}
