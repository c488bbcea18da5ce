import QuernContainers
import Testing

@testable import QuernCheckpoints

struct AddedTokensTests {
  private typealias Input = TokenizerInput

  @Test(arguments: [
    ("<|im_end|>", true), ("<｜User｜>", true), ("<unused17>", true), ("<pad>", true),
    ("[@BOS@]", true), ("<pads>", false), ("|im_end|", false), ("<tool>", false),
  ])
  func markersThatLookSpecialAreControlTokens(text: String, isControl: Bool) {
    #expect(TokenType(addedToken: text, special: false) == (isControl ? .control : .userDefined))
    #expect(TokenType(addedToken: text, special: true) == .control)
  }

  @Test func sentencePieceTypesScoresAndAddedTokensFollowTheSheet() throws {
    let model =
      Input.piece("<unk>", kind: 2) + Input.piece("<s>", kind: 3)
      + Input.piece("\u{2581}a", score: -1) + Input.piece("user", kind: 4)
      + Input.piece("<0x0A>", kind: 6) + Input.piece("old", kind: 5)
    let files = TokenizerFiles(
      tokenizerModel: model,
      tokenizerConfig: Array(
        #"{"added_tokens_decoder": {"6": {"content": "\u2581x", "special": false}, "#.utf8)
        + Array(#""5": {"content": "<|e|>"}, "99": {"content": "far"}}}"#.utf8),
      addedTokens: Array(#"{"\u2581file": 7, "gone": 6}"#.utf8))
    let result = try TokenizerMetadata.keyValues(
      files: files, architecture: "llama", vocabularySize: 9, config: JSONObject())
    #expect(
      result.tokens == [
        "<unk>", "<s>", "\u{2581}a", "user", "<0x0A>", "<|e|>", " x", "\u{2581}file", "[PAD8]",
      ])
    #expect(result.types == [2, 3, 1, 1, 6, 3, 4, 4, 5])
    #expect(result.scores == [0, 0, -1, 0, 0, -1000, -1000, -1000, -10000])
    #expect(result.warnings.contains { $0.contains("\"far\" with id 99") })
  }

  @Test func aStaleSentencePieceModelLosesPiecesWithAWarning() throws {
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(tokenizerModel: Input.piece("a") + Input.piece("b")),
      architecture: "qwen2", vocabularySize: 1, config: JSONObject())
    #expect(result.tokens == ["a"])
    #expect(result.warnings.contains { $0.contains("1 of 2 pieces") })
  }

  @Test func spacesInsideAMergeBecomeVisible() throws {
    let bytes = Input.small(
      replacing: #""ab": 2}, "merges": ["a b"]"#,
      with: #""\u0120a": 2, "\u0120": 4}, "merges": [[" ", "a"]]"#)
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(tokenizerJSON: bytes), architecture: "qwen3", vocabularySize: 5,
      config: JSONObject())
    guard case .array(.strings(let merges)) = result["ggml.merges"] else {
      Issue.record("no merges")
      return
    }
    #expect(merges.count == 1)
    #expect(merges[0].text == "\u{120} a")
  }

  @Test func tokensThatOnlyTheConfigCallsSpecialAreControlTokens() throws {
    let config =
      #"{"eos_token": "b", "added_tokens_decoder": {"4": {"content": "<t>"}, "#
      + #""2": {"content": "other"}}}"#
    let result = try TokenizerMetadata.keyValues(
      files: TokenizerFiles(
        tokenizerJSON: Input.small(), tokenizerConfig: Array(config.utf8)),
      architecture: "qwen3", vocabularySize: 5, config: JSONObject())
    #expect(result.tokens == ["a", "b", "ab", "<e>", "<t>"])
    #expect(result.types == [1, 3, 1, 3, 4])
    #expect(result.warnings.contains { $0.contains("token 2, there \"other\"") })
  }

  @Test func theOlderMapNamesSpecialTokensUnlessTheConfigListsThem() throws {
    let map = Array(#"{"eos_token": {"content": "b"}, "additional_special_tokens": ["a"]}"#.utf8)
    let cases: [(config: String, types: [Int32])] = [
      ("{}", [3, 3, 1, 3]),
      (#"{"added_tokens_decoder": {"3": {"content": "<e>"}}}"#, [1, 1, 1, 4]),
    ]
    for (config, types) in cases {
      let result = try TokenizerMetadata.keyValues(
        files: TokenizerFiles(
          tokenizerJSON: Input.small(), tokenizerConfig: Array(config.utf8), specialTokensMap: map),
        architecture: "qwen3", vocabularySize: 4, config: JSONObject())
      #expect(result.types == types)
    }
  }
}
