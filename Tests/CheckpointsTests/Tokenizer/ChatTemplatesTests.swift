import QuernContainers
import Testing

@testable import QuernCheckpoints

struct ChatTemplatesTests {
  private func keyValues(
    _ config: String, jinja: String? = nil, override: String? = nil
  ) throws -> [String] {
    let files = TokenizerFiles(chatTemplate: jinja.map { Array($0.utf8) })
    return try ChatTemplates(
      override: override, files: files,
      config: TokenizerConfig(parsing: Array(config.utf8))
    ).keyValues.map { keyValue in
      guard case .string(let text) = keyValue.value else { return keyValue.key }
      return "\(keyValue.key)=\(text.text)"
    }
  }

  @Test func theFileWinsOverTheConfigAndTheUserOverBoth() throws {
    let config = #"{"chat_template": "config"}"#
    #expect(try keyValues(config) == ["tokenizer.chat_template=config"])
    #expect(try keyValues(config, jinja: "file") == ["tokenizer.chat_template=file"])
    #expect(
      try keyValues(config, jinja: "file", override: "user") == ["tokenizer.chat_template=user"])
    #expect(try keyValues("{}") == [])
  }

  @Test func namedTemplatesGetKeysOfTheirOwn() throws {
    let config = """
      {"chat_template": [{"name": "default", "template": "d"}, {"name": "tool-use", "template": "t"},
       {"name": "rag", "template": "r"}]}
      """
    #expect(
      try keyValues(config) == [
        "tokenizer.chat_template.tool_use=t", "tokenizer.chat_template.rag=r",
        "tokenizer.chat_templates", "tokenizer.chat_template=d",
      ])
  }

  @Test(arguments: [
    #"{"chat_template": 3}"#, #"{"chat_template": ["x"]}"#,
    #"{"chat_template": [{"name": "default"}]}"#,
  ])
  func otherFormsAreRefused(config: String) {
    let error = #expect(throws: TokenizerError.self) { try keyValues(config) }
    #expect(error?.field == "chat_template")
  }

  @Test func aFileThatIsNotUTF8IsRefused() {
    #expect(throws: TokenizerError.self) {
      try ChatTemplates(
        override: nil, files: TokenizerFiles(chatTemplate: [0xff]),
        config: TokenizerConfig(parsing: nil))
    }
  }
}
