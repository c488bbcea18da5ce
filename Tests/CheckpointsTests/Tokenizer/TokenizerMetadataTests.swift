import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// Against GGUF files that llama.cpp's converter made from the same folders.
struct TokenizerMetadataTests {
  private func golden(_ path: String) throws -> [GGUFKeyValue] {
    try GGUFFile(path: TestData.url(path).path).keyValues.filter {
      $0.key.hasPrefix("tokenizer.")
    }
  }

  @Test func sentencePieceKeyValuesEqualLlamaCpp() throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerInput.stories(), architecture: "llama", vocabularySize: 512,
      config: TokenizerInput.object(#"{"bos_token_id": 1, "eos_token_id": 2}"#))
    #expect(result.keyValues == (try golden("stories260K/llama.cpp-f32.gguf")))
    #expect(result.warnings.count == 1)
    #expect(result.warnings.first?.contains("chat template") == true)
  }

  @Test func bytePairsWithFallbackGiveWhatTheirSentencePieceModelGives() throws {
    var files = try TokenizerInput.stories()
    files.tokenizerModel = nil
    let result = try TokenizerMetadata.keyValues(
      files: files, architecture: "llama", vocabularySize: 512, config: JSONObject())
    #expect(result.keyValues == (try golden("stories260K/llama.cpp-f32.gguf")))
  }

  @Test func byteLevelKeyValuesEqualLlamaCppSaveItsOwnTemplate() throws {
    let expected = try golden("tiny-v4/llama.cpp.gguf").filter {
      $0.key != "tokenizer.chat_template"
    }
    let config = try TokenizerInput.json("tiny-v4/upstream/config.json").object
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerInput.tinyV4(), architecture: "deepseek4", vocabularySize: 512,
      config: #require(config), preTokenizer: "deepseek-v3")
    #expect(result.keyValues == expected)
  }

  @Test func chainOfV4WithoutFirstTokenIsJoyAI() throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerInput.tinyV4(), architecture: "deepseek4", vocabularySize: 512,
      config: JSONObject())
    #expect(result["ggml.pre"] == .text("joyai-llm"))
    #expect(result["chat_template"] == nil)
  }

  @Test func realV4ArraysEqualTheReferenceDigests() throws {
    let expected = try #require(try TokenizerInput.json("tokenizers/deepseek-v4.json").object)
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerInput.deepSeekV4(), architecture: "deepseek4", vocabularySize: 129_280,
      config: JSONObject())
    for name in ["tokens", "merges", "token_type"] {
      let array = try #require(expected[name]?.object)
      let digest = try #require(result["ggml.\(name)"].flatMap(Digest.init))
      #expect(digest.count == array["count"]?.integer)
      #expect(digest.hash == array["fnv1a"]?.string)
    }
    #expect(
      result.tokens.prefix(4).map { $0 } == [
        "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "!",
      ])
    #expect(result["ggml.padding_token_id"] == .uint32(1))
    #expect(result["ggml.add_bos_token"] == .bool(false))
    #expect(result["ggml.pre"] == .text("joyai-llm"))
  }

  @Test(arguments: ["deepseek4", "qwen3moe"])
  func someArchitecturesNeverReadTheSentencePieceModel(architecture: String) throws {
    var files = try TokenizerInput.stories()
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerMetadata.keyValues(
        files: files, architecture: architecture, vocabularySize: 512, config: JSONObject())
    }
    #expect(error?.field == "pre_tokenizer")
    files.tokenizerJSON = nil
    let result = try TokenizerMetadata.keyValues(
      files: files, architecture: architecture, vocabularySize: 512, config: JSONObject())
    #expect(result["ggml.model"] == .text("none"))
  }

  @Test(arguments: ["qwen2", "qwen3", "llama"])
  func othersPreferTheSentencePieceModel(architecture: String) throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerInput.stories(), architecture: architecture, vocabularySize: 512,
      config: JSONObject())
    #expect(result["ggml.model"] == .text("llama"))
  }

  @Test func folderWithoutTokenizerGivesWeightsOnlyAndSaysSo() throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(), architecture: "deepseek4", vocabularySize: 129_280,
      config: JSONObject())
    #expect(
      result.keyValues == [
        GGUFKeyValue("deepseek4.vocab_size", .uint32(129_280)),
        GGUFKeyValue("tokenizer.ggml.model", .text("none")),
      ])
    #expect(result.warnings.contains { $0.contains("weights only") })
    let llama = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(), architecture: "llama", vocabularySize: 8,
      writesVocabularySize: false, config: JSONObject())
    #expect(llama.keyValues.map(\.key) == ["tokenizer.ggml.model"])
  }

  @Test func idsWithoutTokenArePadded() throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(tokenizerJSON: TokenizerInput.small()), architecture: "qwen3",
      vocabularySize: 6, config: TokenizerInput.object(#"{"eos_token_id": 3}"#))
    #expect(result.tokens == ["a", "b", "ab", "<e>", "[PAD4]", "[PAD5]"])
    #expect(result.types == [1, 1, 1, 3, 5, 5])
    #expect(result["ggml.eos_token_id"] == .uint32(3))
    #expect(result["ggml.pre"] == .text("gpt-2"))
  }

  @Test func llamaWritesTheSpacePrefixFirst() throws {
    let files = TokenizerFiles(
      tokenizerModel: TokenizerInput.piece("a"),
      tokenizerConfig: Array(#"{"add_prefix_space": false}"#.utf8))
    for (architecture, key) in [("llama", "add_space_prefix"), ("qwen2", "model")] {
      let result = try TokenizerMetadata.keyValues(
        files: files, architecture: architecture, vocabularySize: 1, config: JSONObject())
      #expect(result.keyValues.first?.key == "tokenizer.ggml.\(key)")
    }
  }

  @Test func preTokenizerOfTheUserMustBeKnown() {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerMetadata.keyValues(
        files: TokenizerInput.tinyV4(), architecture: "deepseek4", vocabularySize: 512,
        config: JSONObject(), preTokenizer: "deepseek-v5")
    }
    #expect(error?.found == "\"deepseek-v5\"")
    #expect(error?.expected.contains("deepseek-v3") == true)
  }
}

/// Count and FNV-1a of an array: strings with their length in 8 bytes before, 32-bit integers as
/// they are; all little-endian.
private struct Digest {
  let count: Int
  let hash: String

  init?(_ value: GGUFValue) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ bytes: some Sequence<UInt8>) {
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    switch value {
    case .array(.strings(let strings)):
      count = strings.count
      for position in 0..<count {
        let text = strings.utf8(at: position)
        mix((0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) })
        mix(text)
      }
    case .array(.int32(let numbers)):
      count = numbers.count
      for number in numbers { mix((0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }) }
    default: return nil
    }
    let text = String(hash, radix: 16)
    self.hash = String(repeating: "0", count: 16 - text.count) + text
  }
}
