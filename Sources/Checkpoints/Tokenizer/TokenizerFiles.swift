/// The bytes of a checkpoint folder's tokenizer files; nil where the folder has none.
package struct TokenizerFiles: Sendable {
  /// `tokenizer.json`: the fast tokenizer of Hugging Face.
  package var tokenizerJSON: [UInt8]?
  /// `tokenizer.model`: a SentencePiece model, a protobuf message.
  package var tokenizerModel: [UInt8]?
  /// `tokenizer_config.json`.
  package var tokenizerConfig: [UInt8]?
  /// `added_tokens.json`: token text to id, beside a SentencePiece model.
  package var addedTokens: [UInt8]?
  /// `special_tokens_map.json`: special tokens of folders older than `added_tokens_decoder`.
  package var specialTokensMap: [UInt8]?
  /// `chat_template.jinja`.
  package var chatTemplate: [UInt8]?
  /// `generation_config.json`.
  package var generationConfig: [UInt8]?

  package init(
    tokenizerJSON: [UInt8]? = nil, tokenizerModel: [UInt8]? = nil, tokenizerConfig: [UInt8]? = nil,
    addedTokens: [UInt8]? = nil, specialTokensMap: [UInt8]? = nil, chatTemplate: [UInt8]? = nil,
    generationConfig: [UInt8]? = nil
  ) {
    self.tokenizerJSON = tokenizerJSON
    self.tokenizerModel = tokenizerModel
    self.tokenizerConfig = tokenizerConfig
    self.addedTokens = addedTokens
    self.specialTokensMap = specialTokensMap
    self.chatTemplate = chatTemplate
    self.generationConfig = generationConfig
  }
}
