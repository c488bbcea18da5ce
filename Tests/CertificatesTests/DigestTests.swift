import QuernTestSupport
import Testing

@testable import QuernCertificates

struct DigestTests {
  @Test(arguments: [0, 1, 63, 64, 65, 1023, 1024, 1025, 4097])
  func piecesHashLikeTheWhole(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
    var whole = IncrementalHash()
    whole.update(bytes)
    for step in [1, 7, 64, 1000] {
      var pieces = IncrementalHash()
      for start in stride(from: 0, to: count, by: step) {
        pieces.update(Array(bytes[start..<min(start + step, count)]))
      }
      #expect(pieces.finish() == whole.finish())
    }
  }

  @Test func aFileHashIsThatOfTheDigestsInOrder() {
    var hash = IncrementalHash()
    hash.update([0xab, 0x01, 0x02, 0xff])
    #expect(
      Certificate.fileHash(header: [0xab], tensors: ["0102", "ff"]) == hash.finish().hexadecimal)
  }

  /// A certificate is input: its hashes may be anything.
  @Test(arguments: ["", "f", "xyz", "é", "00 11", "👍"])
  func textThatIsNoHashDoesNotTrap(text: String) {
    #expect(Certificate.fileHash(header: [], tensors: [text]).count == 64)
  }

  @Test func hexadecimalHasTwoDigitsForEachByte() {
    #expect([0, 9, 10, 255, 160].map { UInt8($0) }.hexadecimal == "00090affa0")
  }
}
