import Foundation
import QuernContainers
import QuernTestSupport

@testable import QuernCheckpoints

/// The tokenizer files of the folders in `testdata/`, and small ones made up in tests.
enum TokenizerInput {
  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: TestData.url(path)))
  }

  static func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(path))
  }

  static func object(_ text: String) throws -> JSONObject {
    try JSONObject(parsing: Array(text.utf8), file: "test")
  }

  /// Llama, 512 tokens, with both kinds of tokenizer file.
  static func stories() throws -> TokenizerFiles {
    TokenizerFiles(
      tokenizerJSON: try bytes("stories260K/f32/tokenizer.json"),
      tokenizerModel: try bytes("stories260K/f32/tokenizer.model"),
      tokenizerConfig: try bytes("stories260K/f32/tokenizer_config.json"),
      specialTokensMap: try bytes("stories260K/f32/special_tokens_map.json"))
  }

  /// DeepSeek-V4's tokenizer cut to 512 tokens.
  static func tinyV4() throws -> TokenizerFiles {
    TokenizerFiles(
      tokenizerJSON: try bytes("tiny-v4/upstream/tokenizer.json"),
      tokenizerConfig: try bytes("tiny-v4/upstream/tokenizer_config.json"))
  }

  /// DeepSeek-V4's tokenizer: 129,280 tokens.
  static func deepSeekV4() throws -> TokenizerFiles {
    TokenizerFiles(
      tokenizerJSON: try bytes("deepseek/tokenizer.json"),
      tokenizerConfig: try bytes("deepseek/tokenizer_config.json"))
  }

  /// A GPT-2-like tokenizer of four tokens; `replacing` edits its text.
  static func small(replacing old: String = "", with new: String = "") -> [UInt8] {
    let text = """
      {"added_tokens": [{"id": 3, "content": "<e>", "special": true}],
       "normalizer": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
       "post_processor": null,
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
      """
    return Array((old.isEmpty ? text : text.replacing(old, with: new)).utf8)
  }

  /// A field of a protobuf message that holds bytes.
  static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  /// A SentencePiece piece with type `kind`.
  static func piece(_ text: String, score: Float = 0, kind: UInt8 = 1) -> [UInt8] {
    let bits = score.bitPattern
    let scoreBytes = (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    return field(1, field(1, Array(text.utf8)) + [2 << 3 | 5] + scoreBytes + [3 << 3, kind])
  }
}

extension TokenizerResult {
  subscript(key: String) -> GGUFValue? {
    keyValues.first { $0.key == "tokenizer.\(key)" }?.value
  }

  /// Texts of the tokens.
  var tokens: [String] {
    guard case .array(.strings(let strings)) = self["ggml.tokens"] else { return [] }
    return (0..<strings.count).map { strings[$0].text }
  }

  var types: [Int32] {
    guard case .array(.int32(let types)) = self["ggml.token_type"] else { return [] }
    return types
  }

  var scores: [Float] {
    guard case .array(.float32(let scores)) = self["ggml.scores"] else { return [] }
    return scores
  }
}
