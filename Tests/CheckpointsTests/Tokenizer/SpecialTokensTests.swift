import QuernContainers
import Testing

@testable import QuernCheckpoints

struct SpecialTokensTests {
  /// 14 post-processors times 8 configs, against gguf-py's answer for the same files.
  @Test func idsAndFlagsEqualLlamaCpp() throws {
    let table = try #require(try TokenizerInput.json("tokenizers/special-tokens.json").object)
    let processors = try #require(table["processors"]?.array)
    let configs = try #require(table["configs"]?.array)
    let expected = try #require(table["expected"]?.array)
    let added = try #require(table["added"])
    #expect(expected.count == processors.count * configs.count)
    for (number, expected) in expected.enumerated() {
      let processor = processors[number / configs.count]
      let config = try #require(configs[number % configs.count].array)
      let found = try keyValues(added, processor, config)
      let wanted = try (expected.array ?? []).map(Self.keyValue)
      #expect(found == wanted, "post-processor \(number / configs.count), config \(config)")
    }
  }

  private static func keyValue(_ pair: JSONValue) throws -> GGUFKeyValue {
    let pair = try #require(pair.array)
    let key = try #require(pair[0].string)
    if let flag = pair[1].bool { return GGUFKeyValue(key, .bool(flag)) }
    return GGUFKeyValue(key, .uint32(UInt32(try #require(pair[1].integer))))
  }

  private func keyValues(
    _ added: JSONValue, _ processor: JSONValue, _ config: [JSONValue]
  ) throws -> [GGUFKeyValue] {
    var tokenizer = JSONObject()
    tokenizer.set("added_tokens", added)
    tokenizer.set("post_processor", processor)
    let tokenizerConfig = config[0].isNull ? nil : try text(config[0])
    return SpecialTokens(
      tokenizer: try TokenizerJSON(parsing: text(.object(tokenizer))),
      config: try TokenizerConfig(parsing: tokenizerConfig),
      modelConfig: try #require(config[1].object), vocabularySize: 512
    ).keyValues
  }

  private func text(_ value: JSONValue) throws -> [UInt8] {
    func write(_ value: JSONValue) -> String {
      switch value {
      case .null: "null"
      case .bool(let value): "\(value)"
      case .integer(let value): "\(value)"
      case .real(let value): "\(value)"
      case .string(let value): "\"\(value)\""
      case .array(let values): "[" + values.map(write).joined(separator: ",") + "]"
      case .object(let object):
        "{" + object.members.map { "\"\($0.key)\":" + write($0.value) }.joined(separator: ",") + "}"
      }
    }
    return Array(write(value).utf8)
  }

  @Test func idsOutsideTheVocabularyAreLeftOutWithAWarning() throws {
    let special = SpecialTokens(
      tokenizer: nil, config: try TokenizerConfig(parsing: nil),
      modelConfig: try TokenizerInput.object(#"{"bos_token_id": 1, "pad_token_id": -1}"#),
      vocabularySize: 4)
    #expect(special.keyValues == [GGUFKeyValue("tokenizer.ggml.bos_token_id", .uint32(1))])
    #expect(special.warnings == ["config.json: pad_token has id -1, outside 0..<4; left out"])
  }

  /// llama.cpp compares the object itself with the template's text and takes `</s>` for another
  /// token, which adds an `eot_token_id` equal to the end token.
  @Test func aTokenWrittenAsAnObjectIsItsText() throws {
    let tokenizer = """
      {"added_tokens": [{"id": 2, "content": "</s>"}], "post_processor":
       {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}},
        {"SpecialToken": {"id": "</s>"}}]}}
      """
    let special = SpecialTokens(
      tokenizer: try TokenizerJSON(parsing: Array(tokenizer.utf8)),
      config: try TokenizerConfig(parsing: Array(#"{"eos_token": {"content": "</s>"}}"#.utf8)),
      modelConfig: JSONObject(), vocabularySize: 4)
    #expect(
      special.keyValues == [
        GGUFKeyValue("tokenizer.ggml.eos_token_id", .uint32(2)),
        GGUFKeyValue("tokenizer.ggml.add_eos_token", .bool(true)),
      ])
  }

  @Test func codeLlamaAndGraniteAreKnownByTheirVocabulary() throws {
    for (size, key, value) in [
      (32016, "ggml.eot_token_id", GGUFValue.uint32(32010)),
      (49152, "ggml.add_bos_token", GGUFValue.bool(false)),
    ] {
      let result = try TokenizerMetadata.keyValues(
        files: TokenizerInput.stories(), architecture: "llama", vocabularySize: size,
        config: JSONObject())
      #expect(result[key] == value)
    }
  }
}
