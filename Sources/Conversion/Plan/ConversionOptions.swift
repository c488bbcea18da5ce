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

  /// Weights once more, in the order in which a machine keeps them.
  public enum Relayout: String, CaseIterable, Sendable {
    /// FRACTAL_NZ, for programs that call Ascend's kernels themselves.
    case nz
  }

  public var draft: Draft
  public var nonFinite: NonFinite
  /// Whether hidden states are rotated by Hadamard matrices of 32, which changes no product of weights
  /// and inputs but their rounding: `formats/rotation`. For folders only.
  public var rotates: Bool
  /// Largest size of one file of a split output; nil for one file.
  public var splitMaxByteCount: Int?
  /// A chat template that wins over the folder's.
  public var chatTemplate: String?
  /// A name for the tokenizer's split patterns where they are not recognised.
  public var preTokenizer: String?
  /// What is written beside the weights; only for Ascend.
  public var relayout: Relayout?
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
    draft: Draft = .keep, nonFinite: NonFinite = .refuse, rotates: Bool = false,
    splitMaxByteCount: Int? = nil, chatTemplate: String? = nil, preTokenizer: String? = nil,
    relayout: Relayout? = nil,
    modelName: String? = nil
  ) {
    self.draft = draft
    self.nonFinite = nonFinite
    self.rotates = rotates
    self.splitMaxByteCount = splitMaxByteCount
    self.chatTemplate = chatTemplate
    self.preTokenizer = preTokenizer
    self.relayout = relayout
    self.modelName = modelName
  }
}
