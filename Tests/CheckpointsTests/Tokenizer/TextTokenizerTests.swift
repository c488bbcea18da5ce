import QuernContainers
import QuernFormats
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// Ids made by the tokenizers library (`testdata/tokenizers/ids.json`).
struct TextTokenizerTests {
  private typealias Input = TokenizerInput

  private static func tokenizer(_ path: String) throws -> TextTokenizer {
    try TextTokenizer(TokenizerFiles(tokenizerJSON: Input.bytes(path)))
  }

  private struct Golden {
    let texts: [[UInt8]]
    /// Rows in the order of `texts`.
    let tokenizers: [(path: String, prefix: [UInt32], builtIn: [UInt32], ids: [[UInt32]])]

    init() throws {
      let root = try #require(Input.json("tokenizers/ids.json").object)
      texts =
        try #require(root["texts"]?.array).compactMap { $0.string.map { Array($0.utf8) } }
        + #require(root["bytes"]?.array).compactMap { $0.string.map(Self.bytes) }
      tokenizers = try #require(root["tokenizers"]?.array).compactMap(\.object).map { entry in
        (
          try #require(entry["path"]?.string), Self.ids(entry["prefix"]),
          Self.ids(entry["builtInText"]),
          try #require(entry["ids"]?.array).map(Self.ids)
        )
      }
    }

    static func ids(_ value: JSONValue?) -> [UInt32] {
      (value?.array ?? []).compactMap { $0.integer.map { UInt32($0) } }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
      let digits = hex.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
      return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
  }

  @Test func idsAreThoseOfTheTokenizersLibrary() throws {
    let golden = try Golden()
    #expect(golden.tokenizers.count == 9 && golden.texts.count > 120)
    for (path, prefix, _, ids) in golden.tokenizers {
      let tokenizer = try Self.tokenizer(path)
      #expect(tokenizer.prefix == prefix, "\(path)")
      #expect(ids.count == golden.texts.count)
      for (text, expected) in zip(golden.texts, ids) {
        let found = try tokenizer.encode(text)
        #expect(found == expected, "\(path): \(String(decoding: text, as: UTF8.self))")
      }
    }
  }

  /// The number of tokens, and a sum of the ids by their places.
  @Test func theBuiltInTextHasTheTokensOfTheLibrary() throws {
    #expect(Formats.parityText.count < 32 << 10)
    for (path, _, summary, _) in try Golden().tokenizers {
      let ids = try Self.tokenizer(path).encode(Formats.parityText)
      let sum = ids.enumerated().reduce(0) { ($0 + ($1.offset + 1) * Int($1.element)) % (1 << 31) }
      #expect([UInt32(ids.count), UInt32(sum)] == summary, "\(path)")
    }
  }

  @Test func aFileOfLlamaCppTokenizesAsTheFolderThatItWasMadeFrom() throws {
    let path = TestData.url("stories260K/llama.cpp-f32.gguf").path
    let file = try TextTokenizer(gguf: GGUFFile(path: path).keyValues, file: path)
    let folder = try TextTokenizer(folder: TestData.url("stories260K/f32").path)
    #expect(file.prefix == folder.prefix && file.bos == folder.bos && file.eos == folder.eos)
    #expect(file.bos == 1 && file.eos == 2)
    for text in try Golden().texts {
      #expect(try file.encode(text) == folder.encode(text))
    }
  }

  @Test(arguments: ["llama-3-style", "qwen-2-style", "qwen-3.5-style", "deepseek-coder-style"])
  func whatQuernWritesIntoAFileTokenizesAsTheFolder(name: String) throws {
    let files = try TokenizerFiles(tokenizerJSON: Input.bytes("tokenizers/\(name)/tokenizer.json"))
    let folder = try TextTokenizer(files)
    let keyValues = try TokenizerMetadata.keyValues(
      files: files, architecture: "qwen3moe", vocabularySize: folder.idLimit, config: JSONObject()
    ).keyValues
    let file = try TextTokenizer(gguf: keyValues, file: "out.gguf")
    // A file says nothing of spaces and letters around an added token.
    let texts = try Golden().texts.filter { !String(decoding: $0, as: UTF8.self).contains("<") }
    for text in texts { #expect(try file.encode(text) == folder.encode(text)) }
  }

  @Test func theFirstTokenComesFromTheTemplateOrElseTheConfig() throws {
    let v4 = try TextTokenizer(Input.deepSeekV4())
    #expect(v4.prefix == [] && v4.bos == 0 && v4.eos == 1 && v4.idLimit == 129_280)
    let files = TokenizerFiles(
      tokenizerJSON: Input.small(),
      tokenizerConfig: Array(#"{"bos_token": "<e>", "add_bos_token": true}"#.utf8))
    let small = try TextTokenizer(files)
    #expect(small.prefix == [3] && small.bos == 3 && small.eos == nil)
    #expect(try small.encode(Array("abba<e>".utf8)) == [2, 1, 0, 3])
  }

  @Test func everyPatternOfTheTableHasAMatcher() throws {
    let root = try #require(JSONValue(parsing: Formats.preTokenizers).object)
    let names = try #require(root["patterns"]?.object).members.map(\.key)
    #expect(Set(names + ["GPT2"]) == Set(SplitPattern.allCases.map(\.rawValue)))
  }

  @Test func aLongWordTakesNoLongerThanItsLength() throws {
    let tokenizer = try Self.tokenizer("tokenizers/qwen-2-style/tokenizer.json")
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
    let clock = ContinuousClock()
    var count = 0
    let time = try clock.measure { count = try tokenizer.encode(text).count }
    #expect(count > 0 && time < .seconds(20), "\(time)")
  }

  @Test(arguments: [
    (
      #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}"#,
      #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}"#,
      "(a+)+$"
    ),
    (#""normalizer": null"#, #""normalizer": {"type": "NFKC"}"#, "NFKC"),
    (
      #""post_processor": null"#, #""post_processor": {"type": "BertProcessing"}"#, "BertProcessing"
    ),
    (#""type": "BPE""#, #""type": "Unigram""#, "Unigram"),
    (#""type": "BPE""#, #""type": "BPE", "dropout": 0.1"#, "model.dropout"),
    (#""type": "BPE""#, #""type": "BPE", "end_of_word_suffix": "</w>""#, "model.end_of_word"),
    (#""merges": ["a b"]"#, #""merges": ["b a"]"#, "model.merges[0]"),
  ])
  func aStepThatIsNotKnownIsNamed(old: String, new: String, names: String) {
    let files = TokenizerFiles(tokenizerJSON: Input.small(replacing: old, with: new))
    do throws(TokenizerError) {
      _ = try TextTokenizer(files)
      Issue.record("accepted \(new)")
    } catch {
      #expect(error.description.contains(names), "\(error)")
      #expect(error.description.contains("--tokens") || names.contains("merges"), "\(error)")
    }
  }

  @Test func anUnknownTokenMattersOnlyWherePiecesAreCharacters() throws {
    let unknown = String(
      decoding: Input.small(
        replacing: #""type": "BPE""#, with: #""type": "BPE", "unk_token": "?""#),
      as: UTF8.self)
    let bytes = try TextTokenizer(TokenizerFiles(tokenizerJSON: Array(unknown.utf8)))
    #expect(try bytes.encode(Array("a?b".utf8)) == [0, 1])
    let characters = unknown.replacing(
      #"{"type": "ByteLevel", "add_prefix_space": false}"#, with: "null")
    do throws(TokenizerError) {
      _ = try TextTokenizer(TokenizerFiles(tokenizerJSON: Array(characters.utf8)))
      Issue.record("accepted an unknown token that is none")
    } catch { #expect(error.field == "model.unk_token") }
  }

  @Test func withoutATokenizerTheErrorSaysWhatToDo() {
    let model = TokenizerFiles(tokenizerModel: Input.piece("a"))
    for (files, found) in [(TokenizerFiles(), "none"), (model, "only tokenizer.model")] {
      do throws(TokenizerError) {
        _ = try TextTokenizer(files)
        Issue.record("accepted no tokenizer")
      } catch { #expect(error.found == found && error.expected.contains("--tokens")) }
    }
  }

  @Test func filesWithoutAKnownTokenizerAreRefused() {
    let tokens = GGUFKeyValue("tokenizer.ggml.tokens", .array(.strings(Self.strings(["a", "b"]))))
    func model(_ name: String) -> GGUFKeyValue {
      GGUFKeyValue("tokenizer.ggml.model", .text(name))
    }
    let cases: [(keyValues: [GGUFKeyValue], names: String)] = [
      ([], "ggml.model"), ([model("none")], "ggml.tokens"), ([model("bert"), tokens], "\"bert\""),
      ([model("gpt2"), tokens], "ggml.pre"), ([model("llama"), tokens], "ggml.scores"),
      (
        [model("llama"), tokens, GGUFKeyValue("tokenizer.ggml.token_type", .array(.int32([1])))],
        "ggml.token_type"
      ),
    ]
    for (keyValues, names) in cases {
      do throws(TokenizerError) {
        _ = try TextTokenizer(gguf: keyValues, file: "a.gguf")
        Issue.record("accepted \(names)")
      } catch { #expect(error.description.contains(names), "\(error)") }
    }
  }

  private static func strings(_ texts: [String]) -> GGUFStrings {
    texts.reduce(into: GGUFStrings()) { $0.append($1.utf8) }
  }
}
