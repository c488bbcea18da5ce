import QuernContainers
import QuernTestSupport
import Testing

struct TokenFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> [[UInt32]] {
    try TokenFile.read(folder.write("tokens", bytes))
  }

  /// The message of the refusal.
  private func refusal(_ bytes: [UInt8]) -> String {
    do throws(any Error) {
      return "read: \(try read(bytes))"
    } catch { return "\(error)" }
  }

  private static func object(_ path: String) throws -> JSONObject {
    let bytes = try InputFile.contents(of: path, limit: 1 << 20)
    return try #require(JSONValue(parsing: bytes).object)
  }

  private static func ids(_ value: JSONValue?) -> [[UInt32]]? {
    value?.array?.map { ($0.array ?? []).compactMap(\.integer).compactMap(UInt32.init(exactly:)) }
  }

  @Test func whatNumpyWritesIsReadOrRefusedByName() throws {
    let cases = try Self.object(TestData.url("tokens/expected.json").path).members
    #expect(cases.count > 20)
    for (name, value) in cases {
      let bytes = try InputFile.contents(of: TestData.url("tokens/\(name)").path, limit: 1 << 20)
      if let ids = Self.ids(value.object?["ids"]) {
        #expect(try read(bytes) == ids, "\(name)")
      } else {
        let message = refusal(bytes)
        for part in value.object?["refused"]?.array ?? [] {
          #expect(message.contains(try #require(part.string)), "\(name): \(message)")
        }
      }
    }
  }

  @Test func theExamplesOfTheSpecReadAsTheyAreDescribed() throws {
    let spec = try Self.object(TestData.format("containers/npy/spec.json").path)
    #expect(spec["limits"]?.object?["headerByteCount"]?.integer == NPYHeader.maximumByteCount)
    #expect(spec["limits"]?.object?["fileByteCount"]?.integer == TokenFile.maximumByteCount)
    let examples = try #require(spec["examples"]?.array).compactMap(\.object)
    #expect(examples.count == 2)
    for example in examples {
      let bytes = try #require(example["bytes"]?.array).flatMap { row in
        (row.object?["hex"]?.string ?? "").split(separator: " ").compactMap { UInt8($0, radix: 16) }
      }
      #expect(try read(bytes) == Self.ids(example["ids"]))
      #expect(refusal(bytes.dropLast()).contains("shape"), "a byte is missing")
      #expect(refusal(bytes + [0]).contains("shape"), "a byte is left over")
    }
  }

  @Test(
    arguments: [
      ("[1, 2, 3]", [[1, 2, 3]]), ("\n [4294967295]\n", [[4_294_967_295]]),
      ("[[1,2],[3]]", [[1, 2], [3]]), ("[0]", [[0]]),
    ] as [(String, [[UInt32]])])
  func jsonIsAListOfIdsOrOfLists(text: String, ids: [[UInt32]]) throws {
    #expect(try read(Array(text.utf8)) == ids)
  }

  @Test(arguments: [
    ("[]", "an empty list"), ("[[1], []]", "byte 6"), ("[1, [2]]", "a list among token ids"),
    ("[[1], 2]", "a token id among lists"), ("[1, -2]", "-2"), ("[1.5]", "1.5"), ("[1e3]", "1e3"),
    ("[4294967296]", "4294967296"), ("[99999999999999999999]", "64 bits"),
    ("[\"1\"]", "expected a number"), ("[1] 2", "text after"), ("[1, 2", "ends inside"),
    ("[[[1]]]", "expected a number"), ("[null]", "expected a number"),
  ])
  func jsonOfAnotherFormIsRefused(text: String, names: String) {
    let message = refusal(Array(text.utf8))
    #expect(message.contains(names), "\(message)")
  }

  @Test(
    arguments: [
      ([1, 0, 0, 0, 255, 255, 1, 0], [1, 131071]),
      // The first bytes of these are "[1" and a space: ids all the same, for the zeros.
      ([0x5b, 0x31, 0, 0], [12635]), ([0x20, 0x5b, 0, 0, 0x31, 0, 0, 0], [23328, 49]),
    ] as [([UInt8], [UInt32])])
  func everythingElseIsRawIds(bytes: [UInt8], ids: [UInt32]) throws {
    #expect(try read(bytes) == [ids])
  }

  @Test func aFileThatHoldsNoIdsIsRefused() {
    #expect(refusal([]).contains("an empty file"))
    #expect(refusal([1, 0, 0, 0, 1]).contains("5 bytes"))
    #expect(refusal(Array("GGUF\u{3}\u{0}\u{0}\u{0}".utf8)).contains("this is a GGUF file"))
  }

  @Test(arguments: [
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (1,), 'descr': '<u4'}", "twice"),
    ("{'descr': '<u4', 'fortran_order': False}", "2 of the keys"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "the key"),
    ("{'descr': '<u4', 'fortran_order': 0, 'shape': (1,)}", "True or False"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (-1,)}", "a length"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "a length"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}", "64 bits"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (1,)} x", "spaces after"),
    ("{'descr': '<u4', 'fortran_order': False, 'shape': (1,)", "'}'"),
    ("{'descr': [('a', '<u4')], 'fortran_order': False, 'shape': (1,)}", "a string in quotes"),
    ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", "a string in quotes"),
  ])
  func anArrayHeaderOfAnotherFormIsRefused(header: String, names: String) {
    let text = Array(header.utf8)
    let bytes = NPYHeader.magic + [1, 0, UInt8(text.count), 0] + text + [7, 0, 0, 0]
    let message = refusal(bytes)
    #expect(message.contains(names), "\(message)")
  }

  @Test func anArrayThatEndsInsideItsHeaderIsRefused() {
    #expect(refusal(NPYHeader.magic).contains("magic"))
    #expect(refusal(NPYHeader.magic + [9, 0, 1, 0, 0, 0]).contains("version"))
    #expect(refusal(NPYHeader.magic + [2, 0, 255, 255, 255, 255]).contains("header length"))
  }
}
