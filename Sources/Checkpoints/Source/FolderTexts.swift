import QuernContainers

/// The small text files of a model folder that metadata is made of.
package enum FolderTexts {
  /// The largest tokenizer in use is 35 MB; ten times that is not a tokenizer.
  private static let maximumTokenizerByteCount = 256 << 20
  private static let maximumTextByteCount = 16 << 20

  /// Tokenizer files and README.md, each where it is there.
  package static func read(_ path: String) throws(CheckpointError) -> (
    TokenizerFiles, readme: [UInt8]?
  ) {
    let folder: ModelFolder
    do throws(FileError) {
      folder = try ModelFolder(path)
    } catch { throw .file(error) }
    let files = TokenizerFiles(
      tokenizerJSON: try folder.contents(of: "tokenizer.json", limit: maximumTokenizerByteCount),
      tokenizerModel: try folder.contents(of: "tokenizer.model", limit: maximumTokenizerByteCount),
      tokenizerConfig: try folder.contents(
        of: "tokenizer_config.json", limit: maximumTextByteCount),
      addedTokens: try folder.contents(of: "added_tokens.json", limit: maximumTextByteCount),
      specialTokensMap: try folder.contents(
        of: "special_tokens_map.json", limit: maximumTextByteCount),
      chatTemplate: try folder.contents(of: "chat_template.jinja", limit: maximumTextByteCount),
      generationConfig: try folder.contents(
        of: "generation_config.json", limit: maximumTextByteCount))
    return (files, try folder.contents(of: "README.md", limit: maximumTextByteCount))
  }
}
