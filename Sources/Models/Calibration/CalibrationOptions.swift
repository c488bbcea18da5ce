/// What a calibration collects, and of what.
package struct CalibrationOptions: Equatable, Sendable {
  /// Kinds of statistics.
  package struct Kinds: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Sums of squares and counts, for llama.cpp and `--imatrix`.
    package static let imatrix = Kinds(rawValue: 1)
    /// Ranges, and the largest and the mean magnitude of each input.
    package static let ranges = Kinds(rawValue: 2)
    /// Σ x xᵀ in blocks along the diagonal, for GPTQ.
    package static let hessians = Kinds(rawValue: 4)
  }

  package var kinds: Kinds
  /// Columns of a block of Σ x xᵀ.
  package var hessianBlock: Int
  /// Rows below which an expert counts as one that saw too little.
  package var minimumTokens: Int
  /// Whether the weight that makes logits is among the weights.
  package var includesOutput: Bool
  /// Which numbers attention keeps of tokens.
  package var cache: CachePrecision
  /// Bytes that may be written at most.
  package var maximumByteCount: Int

  package static let hessianBlocks = [256, 512]

  package init(
    kinds: Kinds = [.imatrix, .ranges], hessianBlock: Int = 512, minimumTokens: Int = 32,
    includesOutput: Bool = false, cache: CachePrecision = .f32,
    maximumByteCount: Int = 16_000_000_000
  ) {
    self.kinds = kinds
    self.hessianBlock = hessianBlock
    self.minimumTokens = minimumTokens
    self.includesOutput = includesOutput
    self.cache = cache
    self.maximumByteCount = maximumByteCount
  }
}
