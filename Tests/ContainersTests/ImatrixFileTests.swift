import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernContainers

struct ImatrixFileTests {
  private static let fixture = ImatrixFixture([
    .init("blk.0.attn_q.weight", sums: [4, 8, 0, 2], counts: [2]),
    .init("blk.0.ffn_up_exps.weight", sums: [1, 2, 0, 0, 9, 27], counts: [1, 0, 9]),
  ])

  private func open(_ bytes: [UInt8]) throws -> ImatrixFile {
    let folder = try TemporaryFolder()
    return try ImatrixFile(path: try folder.write("imatrix", bytes))
  }

  private func weights(_ file: ImatrixFile, _ name: String, _ part: Int, of parts: Int) throws
    -> [Float]
  {
    let entry = try #require(file.entry(named: TensorName(name)))
    return try file.weights(entry, part: part, of: parts)
  }

  @Test(arguments: ["gguf", "dat", "dat without trailer"])
  func weightsAreMeansOfEachExpertAndOneWhereThereIsNone(form: String) throws {
    let bytes =
      form == "gguf"
      ? try Self.fixture.gguf() : Self.fixture.legacy(hasTrailer: form == "dat")
    let folder = try TemporaryFolder()
    let file = try ImatrixFile(path: try folder.write("imatrix", bytes))
    #expect(file.entries.map(\.valueCount) == [4, 6])
    #expect(try weights(file, "blk.0.attn_q.weight", 0, of: 1) == [2, 4, 0, 1])
    let experts = "blk.0.ffn_up_exps.weight"
    #expect(try weights(file, experts, 0, of: 3) == [1, 2])
    #expect(try weights(file, experts, 1, of: 3) == [1, 1])
    #expect(try weights(file, experts, 2, of: 3) == [1, 3])
    let entry = try #require(file.entry(named: TensorName(experts)))
    #expect(try file.unseenPartCount(entry, of: 3) == 1)
  }

  @Test func columnsThatNothingEverReachedCountTheSame() throws {
    let folder = try TemporaryFolder()
    let zero = ImatrixFixture([.init("a.weight", sums: [0, 0], counts: [5])])
    let file = try ImatrixFile(path: try folder.write("imatrix", try zero.gguf()))
    #expect(try weights(file, "a.weight", 0, of: 1) == [1, 1])
  }

  @Test(arguments: [Float.nan, .infinity, -1])
  func sumsThatAreNoneAreRefused(value: Float) throws {
    for sums in [[value, 1], [1, value]] {
      let fixture = ImatrixFixture([.init("a.weight", sums: sums, counts: [1])])
      for bytes in [try fixture.gguf(), fixture.legacy()] {
        let error = #expect(throws: ImatrixError.self) { try open(bytes) }
        #expect(error?.description.contains("a.weight") ?? false)
      }
    }
    let fixture = ImatrixFixture([.init("a.weight", sums: [1, 1], counts: [value])])
    #expect(throws: ImatrixError.self) { try open(try fixture.gguf()) }
  }

  @Test(arguments: [
    ([".in_sum2", ""], "no counts"), (["", ".counts"], "no in_sum2"),
    ([".in_sum2", ".count"], "no counts"), ([".sums", ".counts"], "NAME.in_sum2"),
  ])
  func aMissingPartnerIsNamed(suffixes: [String], named: String) throws {
    let bytes = try Self.fixture.gguf(suffixes: suffixes)
    let error = #expect(throws: ImatrixError.self) { try open(bytes) }
    #expect(error?.description.contains(named) ?? false, "\(error?.description ?? "")")
  }

  @Test(arguments: ["general.type", "imatrix.datasets", "imatrix.chunk_count"])
  func aGGUFFileWithoutTheKeysIsNoImatrix(key: String) throws {
    var fixture = Self.fixture
    fixture.keyValues.removeAll { $0.key == key }
    let error = #expect(throws: ImatrixError.self) { try open(try fixture.gguf()) }
    #expect(error?.description.contains(key) ?? false)
  }

  @Test func countsOfAnotherTypeOrNumberAreRefused() throws {
    let header = try GGUFHeader(
      keyValues: Self.fixture.keyValues,
      tensors: [.init("a.in_sum2", .f16, [16]), .init("a.counts", .f32, [1])], file: "imatrix")
    let data = [UInt8](repeating: 0, count: header.fileByteCount - header.bytes.count)
    #expect(throws: ImatrixError.self) { try open(header.bytes + data) }
    let odd = ImatrixFixture([.init("a.weight", sums: [1, 1, 1], counts: [1])])
    var two = try odd.gguf()
    // The dimension of the counts: 2 do not divide 3 sums.
    let place = try #require(two.firstRange(of: Array("a.weight.counts".utf8)))
    two[place.upperBound + 4] = 2
    #expect(throws: ImatrixError.self) { try open(two + [0, 0, 0, 0]) }
  }

  @Test func anyCutOfAFileIsRefused() throws {
    for bytes in [try Self.fixture.gguf(), Self.fixture.legacy(hasTrailer: false)] {
      // The padding behind the last tensor of GGUF may be cut without a loss.
      for count in stride(from: 0, to: bytes.count - 32, by: 7) {
        #expect(throws: ImatrixError.self, "\(count)") { try open(Array(bytes[..<count])) }
      }
    }
    #expect(throws: ImatrixError.self) { try open(Self.fixture.legacy() + [0]) }
  }

  @Test(
    arguments: [
      [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f],
      [1, 0, 0, 0, 1, 0, 0, 0, 0x61, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f],
      [1, 0, 0, 0, 1, 0, 0, 0, 0x61, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
      [1, 0, 0, 0, 1, 0, 0, 0, 0xff, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    ] as [[UInt8]])
  func lengthsThatLieAreRefused(bytes: [UInt8]) throws {
    #expect(throws: ImatrixError.self) { try open(bytes) }
  }

  @Test func twoEntriesOfOneWeightAreRefused() throws {
    let entry = ImatrixFixture.Entry("a.weight", sums: [1], counts: [1])
    let error = #expect(throws: ImatrixError.self) {
      try open(ImatrixFixture([entry, entry]).legacy())
    }
    #expect(error?.description.contains("two entries") ?? false)
  }
}
