import QuernCheckpoints
import QuernContainers

/// A model that is run: its forward pass and the products it makes.
package struct ModelRun: Sendable {
  package let weights: ModelWeights
  package let pass: any ForwardPass
  package let products: Products

  /// - Throws: `ModelError` for a checkpoint that cannot be read or has no forward pass, and in integer
  ///   mode for one that has no integers.
  package init(
    _ checkpoint: Checkpoint, mode: ProductMode = .decoded, cache: CachePrecision? = nil,
    workers: Workers, observer: Products.Observer? = nil
  ) throws(ModelError) {
    if mode == .integer { try Self.checkIntegers(checkpoint) }
    do throws(CheckpointError) {
      weights = ModelWeights(try CanonicalModel(checkpoint))
    } catch { throw Self.advised(error, checkpoint) }
    pass = try ForwardPasses.make(weights)
    products = Products(
      weights, mode: mode, cache: cache, workers: workers, observer: observer)
  }

  private static func checkIntegers(_ checkpoint: Checkpoint) throws(ModelError) {
    guard checkpoint.dialect != .gguf,
      !checkpoint.tensors.contains(where: \.encoding.isInteger)
    else { return }
    throw .data(
      InputProblem(
        file: checkpoint.folder, field: "weights", found: "no integers",
        expected: "an output that a target multiplies in integers: a GGUF file, an ascend or a"
          + " compressed-tensors folder",
        hint: "without --integer weights are run as decoded"))
  }

  /// What no table knows has no forward pass, but weights that can be compared.
  private static func advised(_ error: CheckpointError, _ checkpoint: Checkpoint) -> ModelError {
    guard case .problem(let problem) = error, checkpoint.config != nil,
      !ModelFamily.knows(checkpoint)
    else { return .checkpoint(error) }
    return .data(
      InputProblem(
        file: problem.file, field: problem.field, found: problem.found,
        expected: problem.expected, hint: ForwardPasses.advice))
  }

  /// Positions that a model was made for.
  package static func context(of checkpoint: Checkpoint) throws(ModelError) -> Int {
    try ModelRun(checkpoint, workers: Workers(count: 1, control: RunControl())).pass.context
  }

  /// Calls `body` with the logits of all rows, a run of the vocabulary at a time: [rows, run].
  ///
  /// - Parameter finished: what the pass's `finish` gives: [rows, hidden].
  package func forEachLogits(
    _ finished: Activations,
    _ body: (_ vocabulary: Range<Int>, Activations) throws(ModelError) -> Void
  ) throws(ModelError) {
    for range in runs(rows: finished.rowCount) { try body(range, try logits(finished, range)) }
  }

  /// The same of the draft stage, which guesses the token after the next: of every row but the last of
  /// a sequence.
  ///
  /// - Parameter stream: what the last layer gave.
  /// - Throws: `ModelError.data` for a model without a draft stage that can be run.
  package func forEachDraftLogits(
    _ stream: Activations, _ batch: TokenBatch,
    _ body: (_ vocabulary: Range<Int>, Activations) throws(ModelError) -> Void
  ) throws(ModelError) {
    let draft = Products(
      weights.draft, mode: products.mode, cache: products.cache, workers: products.workers)
    guard let states = try pass.finishDraft(stream, batch, products, draft: draft) else {
      throw .data(
        InputProblem(
          file: weights.model.checkpoint.folder, field: "draft stage",
          found: "one without a forward pass", expected: "an MTP stage"))
    }
    for range in runs(rows: states.values.rowCount) {
      try body(range, try draft.multiply(states.values, states.outputName, outputs: range))
    }
  }

  private func runs(rows: Int) -> [Range<Int>] {
    let count = max(256, Self.logitCount / max(1, rows))
    return stride(from: 0, to: pass.vocabulary, by: count).map {
      $0..<min($0 + count, pass.vocabulary)
    }
  }

  /// The logits of a run of the vocabulary: [rows, run].
  package func logits(_ finished: Activations, _ vocabulary: Range<Int>) throws(ModelError)
    -> Activations
  {
    try products.multiply(finished, pass.outputName, outputs: vocabulary)
  }

  /// Logits that are held at once: 32 MiB.
  private static let logitCount = 1 << 23
}
