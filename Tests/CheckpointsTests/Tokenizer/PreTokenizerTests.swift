import QuernContainers
import Testing

@testable import QuernCheckpoints

struct PreTokenizerTests {
  private static let l3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"#
    + #" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#
  private static let q2 = l3.replacing("{1,3}", with: "")
  private static let bytes =
    #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#

  private static func split(_ pattern: String) -> String {
    #"{"type": "Split", "pattern": {"Regex": "\#(pattern)"}, "behavior": "Isolated", "#
      + #""invert": false}"#
  }

  private static func sequence(_ steps: String...) -> String {
    #"{"type": "Sequence", "pretokenizers": [\#(steps.joined(separator: ","))]}"#
  }

  private func name(
    _ preTokenizer: String, ignoreMerges: Bool = false, normalizer: String = "null",
    beginsWithBOS: Bool = false
  ) throws -> String {
    let text = """
      {"normalizer": \(normalizer), "pre_tokenizer": \(preTokenizer),
       "model": {"type": "BPE", "ignore_merges": \(ignoreMerges)}}
      """
    return try PreTokenizerTable().name(
      for: TokenizerJSON(parsing: Array(text.utf8)), beginsWithBOS: beginsWithBOS)
  }

  @Test func chainsOfTheFamiliesHaveNames() throws {
    let l3 = Self.sequence(Self.split(Self.l3), Self.bytes)
    #expect(try name(l3, ignoreMerges: true) == "llama-bpe")
    #expect(try name(l3) == "smaug-bpe")
    let q2 = Self.sequence(Self.split(Self.q2), Self.bytes)
    #expect(try name(q2, normalizer: #"{"type": "NFC"}"#) == "qwen2")
    let regex = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#
    #expect(try name(regex) == "gpt-2")
    let digits = #"{"type": "Digits", "individual_digits": true}"#
    #expect(try name(Self.sequence(digits, regex)) == "starcoder")
  }

  @Test func aFirstTokenTellsV3FromV4() throws {
    let tokenizer = try TokenizerJSON(parsing: TokenizerInput.bytes("deepseek/tokenizer.json"))
    let table = try PreTokenizerTable()
    #expect(try table.name(for: tokenizer, beginsWithBOS: true) == "deepseek-v3")
    #expect(try table.name(for: tokenizer, beginsWithBOS: false) == "joyai-llm")
  }

  @Test(arguments: [
    (#"[\r\n]+"#, "[\r\n]+"), (#"[\u4e00-\u9fa5]"#, "[\u{4e00}-\u{9fa5}]"),
    (#"\x{4E00}\t"#, "\u{4e00}\t"),
  ])
  func spellingsOfOnePatternAreEqual(escaped: String, raw: String) {
    #expect(PreTokenizerChain.unified(escaped) == PreTokenizerChain.unified(raw))
  }

  @Test(arguments: [(#"\\r"#, "\\\r"), (#"\u005b"#, "["), (#"\s"#, "s"), ("a", "\u{61}\u{301}")])
  func differentPatternsStayDifferent(left: String, right: String) {
    #expect(PreTokenizerChain.unified(left) != PreTokenizerChain.unified(right))
  }

  @Test func anUnknownChainIsRefusedByName() {
    for chain in [
      "null", "[1]", "{}", #"{"type": "Metaspace"}"#,
      Self.sequence(Self.split(#"\\d"#), Self.bytes),
      Self.sequence(Self.split(Self.l3)), #"{"type": "ByteLevel", "add_prefix_space": true}"#,
      Self.split(Self.l3).replacing("Isolated", with: "Removed"),
    ] {
      let error = #expect(throws: TokenizerError.self, "\(chain)") { try name(chain) }
      #expect(error?.field == "pre_tokenizer")
      #expect(error?.expected.contains("--pre-tokenizer") == true)
    }
  }

  @Test func anEqualChainWithAnotherNormalizerOrMergesRuleIsRefused() {
    let q2 = Self.sequence(Self.split(Self.q2), Self.bytes)
    let l3 = Self.sequence(Self.split(Self.l3), Self.bytes)
    #expect(throws: TokenizerError.self) { try name(q2, ignoreMerges: true) }
    #expect(throws: TokenizerError.self) {
      try name(l3, ignoreMerges: true, normalizer: #"{"type": "NFKC"}"#)
    }
  }

  @Test func everyNameInTheTableIsOneThatReadersKnow() throws {
    let table = try PreTokenizerTable()
    for name in ["llama-bpe", "smaug-bpe", "qwen2", "joyai-llm", "deepseek-llm", "default"] {
      #expect(try table.checked(name) == name)
    }
  }
}
