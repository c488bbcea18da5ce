import QuernContainers
import Testing

@testable import QuernCheckpoints

/// Broken or hostile tokenizer files: one clear error each, never a trap.
struct MalformedTokenizerTests {
  private typealias Input = TokenizerInput

  private func refusal(
    _ files: TokenizerFiles, architecture: String = "llama", size: Int = 4
  ) -> TokenizerError? {
    #expect(throws: TokenizerError.self) {
      try TokenizerMetadata.keyValues(
        files: files, architecture: architecture, vocabularySize: size, config: JSONObject())
    }
  }

  private static let protobufs: [(bytes: [UInt8], words: String)] = [
    ([], "at least one piece"),
    ([0x08], "the rest of a number"),
    ([0x80], "the rest of a number"),
    (Array(repeating: 0xff, count: 11), "at most 64 bits"),
    ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], "at most 64 bits"),
    ([0x00, 0x00], "field number 0"),
    ([0x0a, 0x05, 0x01], "at most the 1 bytes that are left"),
    ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "a length of"),
    ([0x0b], "wire type 3"),
    ([0x0f], "wire type 7"),
    ([0x15, 0x00], "a number of 4 bytes"),
    ([0x11, 0x00], "a number of 8 bytes"),
    (Input.field(1, [0x0a, 0x7f]), "at most the 0 bytes that are left"),
    (Input.field(1, Input.field(1, [0xff])), "not UTF-8"),
    (Input.field(1, [0x15, 0, 0, 0xc0, 0x7f]), "a finite score"),
    (Input.field(1, [0x18, 9]), "a type from 1 to 6"),
    (Input.field(1, [0x18, 0]), "a type from 1 to 6"),
    (Input.field(1, [0x08, 1]), "field 1 of another kind"),
    (Input.piece("x") + Input.piece("x"), "the text of token 0"),
    (Input.piece("x") + Input.piece("[PAD3]"), "token 3"),
  ]

  @Test(arguments: protobufs.indices)
  func aBrokenSentencePieceModelIsRefused(number: Int) throws {
    let (bytes, words) = Self.protobufs[number]
    let error = try #require(refusal(TokenizerFiles(tokenizerModel: bytes)))
    #expect(error.file == "tokenizer.model")
    #expect(error.description.contains(words), "\(error)")
  }

  @Test func everyCutOfASentencePieceModelIsReadOrRefused() throws {
    let bytes = try Input.bytes("stories260K/f32/tokenizer.model")
    for length in stride(from: 0, to: bytes.count, by: 37) {
      _ = try? SentencePieceModel(parsing: Array(bytes[..<length]))
    }
  }

  @Test func everyFlippedByteOfASentencePieceModelIsReadOrRefused() throws {
    let bytes = try Input.bytes("stories260K/f32/tokenizer.model")
    for position in stride(from: 0, to: bytes.count, by: 23) {
      for flip: UInt8 in [0x01, 0x80, 0xff] {
        var broken = bytes
        broken[position] ^= flip
        _ = try? SentencePieceModel(parsing: broken)
      }
    }
  }

  private static let edits: [(old: String, new: String, words: String)] = [
    ("null", "nul", "valid JSON"),
    (#""BPE""#, #""Unigram""#, #"found "Unigram", expected "BPE""#),
    (#"{"a": 0, "b": 1, "ab": 2}"#, "[]", "no tokens"),
    (#""b": 1"#, #""b": 0"#, "another token has"),
    (#""b": 1"#, #""b": -1"#, "the id -1"),
    (#""b": 1"#, #""b": 4"#, "below vocab_size 4"),
    (#""b": 1"#, #""b": 99999999999"#, "the id 99999999999"),
    (#""b": 1"#, #""b": 1.5"#, "expected an integer"),
    (#""b": 1"#, #""a": 1"#, "duplicate key"),
    (#""id": 3"#, #""id": 4"#, "below vocab_size 4"),
    (#""id": 3"#, #""id": -3"#, "an id from 0"),
    (#""content": "<e>""#, #""content": "a""#, "the text of token 0"),
    (#""special": true}"#, #""special": true}, {"id": 3, "content": "x"}"#, "another added token"),
    (#""content": "<e>""#, #""content": 1"#, "a content"),
    (#", "merges": ["a b"]"#, "", "expected a list of merges"),
    (#"["a b"]"#, "[]", "expected a list of merges"),
    (#"["a b"]"#, "{}", "expected an array"),
    (#"["a b"]"#, "[1]", "a pair of strings"),
    (#"["a b"]"#, #"["ab"]"#, "one space between"),
    (#"["a b"]"#, #"["a  b"]"#, "one space between"),
    (#"["a b"]"#, #"["a "]"#, "one space between"),
    (#"["a b"]"#, #"[["a"]]"#, "two strings"),
    (#"["a b"]"#, #"[["a", ""]]"#, "two strings"),
    (#"["a b"]"#, #"["b a"]"#, "\"ba\", which is no token"),
    (#"["a b"]"#, #"["a c"]"#, "\"c\", which is no token"),
    (#"{"type": "ByteLevel", "add_prefix_space": false}"#, "null", "no pre_tokenizer"),
  ]

  @Test(arguments: edits.indices)
  func aBrokenByteLevelTokenizerIsRefused(number: Int) throws {
    let (old, new, words) = Self.edits[number]
    let bytes = Input.small(replacing: old, with: new)
    #expect(bytes != Input.small())
    let error = try #require(
      refusal(TokenizerFiles(tokenizerJSON: bytes), architecture: "deepseek4"))
    #expect(error.file == "tokenizer.json")
    #expect(error.description.contains(words), "\(error)")
  }

  @Test func everyFlippedByteOfATokenizerJSONIsReadOrRefused() throws {
    var files = try Input.tinyV4()
    let bytes = try #require(files.tokenizerJSON)
    for position in stride(from: 0, to: bytes.count, by: 29) {
      for flip: UInt8 in [0x01, 0x10, 0x80] {
        var broken = bytes
        broken[position] ^= flip
        files.tokenizerJSON = broken
        _ = try? TokenizerMetadata.keyValues(
          files: files, architecture: "deepseek4", vocabularySize: 512, config: JSONObject())
      }
    }
  }

  @Test func aBrokenSpecialTokensMapIsRefused() throws {
    let files = TokenizerFiles(tokenizerJSON: Input.small(), specialTokensMap: [0x7b])
    #expect(try #require(refusal(files)).file == "special_tokens_map.json")
  }

  @Test(arguments: [
    ("[]", "an object"), ("{", "valid JSON"), (#"{"added_tokens_decoder": []}"#, "an object"),
    (#"{"added_tokens_decoder": {"x": {"content": "y"}}}"#, "an id"),
    (#"{"added_tokens_decoder": {"1": {}}}"#, "a content"),
  ])
  func aBrokenTokenizerConfigIsRefused(text: String, words: String) throws {
    let files = TokenizerFiles(
      tokenizerJSON: Input.small(), tokenizerConfig: Array(text.utf8))
    let error = try #require(refusal(files))
    #expect(error.file == "tokenizer_config.json")
    #expect(error.expected.contains(words))
  }

  @Test(arguments: [#"{"x": "y"}"#, #"{"x": -1}"#, "3"])
  func brokenAddedTokensAreRefused(text: String) throws {
    let files = TokenizerFiles(
      tokenizerModel: Input.piece("a"), addedTokens: Array(text.utf8))
    #expect(try #require(refusal(files)).file == "added_tokens.json")
  }

  @Test(arguments: [-1, 0, Int.max])
  func aVocabularySizeOutOfBoundsIsRefused(size: Int) throws {
    for files in [
      TokenizerFiles(), TokenizerFiles(tokenizerModel: Input.piece("a")),
      TokenizerFiles(tokenizerJSON: Input.small()),
    ] {
      #expect(try #require(refusal(files, size: size)).field == "vocab_size")
    }
  }
}
