/// What a user may choose beside the recipe. All of it changes the output, so all of it is hashed.
public struct ConversionOptions: Sendable {
  /// What becomes of draft layers (multi-token prediction).
  public enum Draft: String, CaseIterable, Sendable {
    /// A file of their own, `NAME.mtp.gguf`.
    case keep
    case drop
  }

  /// What becomes of NaN and infinite weights.
  public enum NonFinite: String, CaseIterable, Sendable {
    case refuse
    /// They become 0 and are counted.
    case zero
  }

  public var draft: Draft
  public var nonFinite: NonFinite
  /// Largest size of one file of a split output; nil for one file.
  public var splitMaxByteCount: Int?
  /// A chat template that wins over the folder's.
  public var chatTemplate: String?
  /// A name for the tokenizer's split patterns where they are not recognised.
  public var preTokenizer: String?
  /// `general.name`, otherwise derived from the repository or folder.
  public var modelName: String?

  /// What the checkpoint is called where it lies, which names the model.
  struct Origin: Equatable, Sendable {
    let folderName: String
    let repositoryID: String?
  }

  /// Filled in by the plan. A verifier plans with the names of the certificate: a copy of the
  /// checkpoint in another folder is the same checkpoint.
  var origin: Origin?

  public init(
    draft: Draft = .keep, nonFinite: NonFinite = .refuse, splitMaxByteCount: Int? = nil,
    chatTemplate: String? = nil, preTokenizer: String? = nil, modelName: String? = nil
  ) {
    self.draft = draft
    self.nonFinite = nonFinite
    self.splitMaxByteCount = splitMaxByteCount
    self.chatTemplate = chatTemplate
    self.preTokenizer = preTokenizer
    self.modelName = modelName
  }
}
