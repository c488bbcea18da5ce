import QuernTensors
import Testing

@testable import QuernContainers

struct WriteBehindTests {
  private static let chunk = 1 << 20

  /// What is started and waited for while codes and scales are written far apart.
  private func work(chunks: Int) -> [WriteBehind.Work] {
    var writeBehind = WriteBehind()
    return (0..<chunks).flatMap { index in
      [
        writeBehind.note(
          ByteRange(offset: (1 << 32) + index * Self.chunk, byteCount: Self.chunk)),
        writeBehind.note(ByteRange(offset: 4096 * index, byteCount: 4096)),
      ]
    }
  }

  @Test func placesFarApartArePushedByThemselves() throws {
    let started = work(chunks: 40).flatMap(\.start)
    #expect(started.count == 2)
    #expect(started.allSatisfy { $0.byteCount <= WriteBehind.batchByteCount })
  }

  @Test func noMoreThanTheWindowIsUnderWay() {
    var (started, finished) = (0, 0)
    for work in work(chunks: 400) {
      started += work.start.reduce(0) { $0 + $1.byteCount }
      finished += work.finish.reduce(0) { $0 + $1.byteCount }
      #expect(started - finished <= WriteBehind.windowByteCount + WriteBehind.batchByteCount)
    }
    #expect(finished > 300 * Self.chunk)
  }

  @Test func writesInOrderAreOneRun() {
    var writeBehind = WriteBehind()
    let started = (0..<64).flatMap {
      writeBehind.note(ByteRange(offset: $0 * Self.chunk, byteCount: Self.chunk)).start
    }
    #expect(started.map(\.offset) == [0, 32 * Self.chunk])
    #expect(started.allSatisfy { $0.byteCount == 32 * Self.chunk })
  }
}
