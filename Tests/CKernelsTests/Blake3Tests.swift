import CKernels
import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

@Suite struct Blake3Tests {
  struct Vectors: Decodable {
    struct Message: Decodable {
      let length: Int
      let digest: String
    }
    struct Tensor: Decodable {
      let length: Int
      let chunk: Int
      let chunks: [String]
      let digest: String
    }
    let messages: [Message]
    let tensors: [Tensor]

    static func read() throws -> Vectors {
      let data = try Data(contentsOf: TestData.format("hashing/vectors.json"))
      return try JSONDecoder().decode(Vectors.self, from: data)
    }
  }

  private func message(_ length: Int) -> [UInt8] { (0..<length).map { UInt8($0 % 251) } }

  private func digest(_ level: RowKernels, _ bytes: some Sequence<UInt8>) -> String {
    hexadecimal(Array(bytes).withUnsafeBytes { level.blake3($0) })
  }

  @Test("digests are those of PyPI's blake3", arguments: RowKernels.available)
  func messages(level: RowKernels) throws {
    for vector in try Vectors.read().messages {
      #expect(digest(level, message(vector.length)) == vector.digest, "\(vector.length) bytes")
    }
  }

  @Test(
    "every number of chunks up to twice a run gives the definition's digest",
    arguments: RowKernels.available)
  func everyTree(level: RowKernels) {
    let bytes = message(2100 * 1024)
    let many =
      [63, 64, 65, 127, 129, 300, 511, 513]
      + [1023, 1024, 1025, 1026, 1041, 2047, 2048, 2049]
    for chunks in Array(1...40) + many {
      for extra in [-1, 0, 1] {
        let message = bytes[..<(chunks * 1024 + extra)]
        #expect(digest(level, message) == digest(.scalar, message), "\(chunks) chunks, \(extra)")
      }
    }
  }

  @Test("a tensor's digest is that of its chunks' digests")
  func tensors() throws {
    for tensor in try Vectors.read().tensors {
      let bytes = message(tensor.length)
      let chunks = stride(from: 0, to: bytes.count, by: tensor.chunk).map { start in
        digest(.best, bytes[start..<min(start + tensor.chunk, bytes.count)])
      }
      #expect(chunks == tensor.chunks)
      let joined = chunks.flatMap { QuernTestSupport.bytes(hexadecimal: $0) ?? [] }
      #expect(digest(.best, joined) == tensor.digest)
    }
  }

  @Test(
    "pieces of any size add up to the message", arguments: [1, 63, 64, 65, 1000, 1024, 1025, 4096])
  func pieces(size: Int) {
    let bytes = message(20_000)
    var state = quern_blake3_state()
    quern_blake3_start(&state)
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = Array(bytes[start..<min(start + size, bytes.count)])
      quern_blake3_update(&state, piece, piece.count)
    }
    quern_blake3_update(&state, nil, 0)
    var digest = [UInt8](repeating: 0, count: 32)
    quern_blake3_finish(&state, &digest)
    #expect(hexadecimal(digest) == self.digest(.best, bytes))
  }
}
