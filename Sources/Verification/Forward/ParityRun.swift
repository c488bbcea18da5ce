import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernModels

/// Runs a checkpoint and an output made from it side by side, layer by layer, and says where they part.
///
/// Weights of both are read once. The output's layer is given two streams at once, the one that its own
/// layers made and the checkpoint's: the first shows what has added up, the second what this layer does.
package struct ParityRun: Sendable {
  package struct Options: Sendable {
    /// How the output is run; the checkpoint's weights are always decoded.
    package var mode = ProductMode.decoded
    /// Layers to compare; nil for all, and the words that follow.
    package var layers: Range<Int>?
    package var threadCount = 2
    /// Where the streams are kept between layers, so that a run can go on; nil for nowhere.
    package var statePath: String?

    package init() {}
  }

  private let reference: ModelRun
  private let output: ModelRun
  private let tokens: ParityTokens
  private let options: Options
  private let layers: Range<Int>
  private let rotation: StreamRotation

  /// - Throws: `ModelError` for models that cannot be run, that are not of one kind, and for tokens
  ///   that they do not take.
  package init(
    output: Checkpoint, against checkpoint: Checkpoint, _ tokens: ParityTokens, options: Options,
    control: RunControl
  ) throws(ModelError) {
    let workers = Workers(count: options.threadCount, control: control)
    reference = try ModelRun(checkpoint, workers: workers)
    self.output = try ModelRun(output, mode: options.mode, workers: workers)
    (self.tokens, self.options) = (tokens, options)
    rotation = StreamRotation(output: output, checkpoint: checkpoint)
    let pass = reference.pass
    layers = options.layers ?? 0..<pass.layerCount
    try Self.checkSameModel(self.output, reference)
    do throws(InputProblem) {
      try tokens.batch.check(
        vocabulary: pass.vocabulary, context: pass.context, source: tokens.source)
      guard !layers.isEmpty, layers.upperBound <= pass.layerCount else {
        throw InputProblem(
          file: checkpoint.folder, field: "layers",
          found: "\(layers.lowerBound)..\(layers.upperBound - 1)",
          expected: "a range within 0..\(pass.layerCount - 1)")
      }
      guard !tokens.scored.rows.isEmpty else {
        throw InputProblem(
          file: tokens.source, field: "tokens", found: "sequences of one token",
          expected: "two tokens or more: guesses are compared with what follows")
      }
    } catch { throw .data(error) }
  }

  private static func checkSameModel(_ output: ModelRun, _ reference: ModelRun)
    throws(ModelError)
  {
    let (a, b) = (output.weights.model, reference.weights.model)
    let pairs: [(String, String, String)] = [
      ("architecture", a.architecture, b.architecture),
      ("layers", "\(output.pass.layerCount)", "\(reference.pass.layerCount)"),
      ("hidden size", "\(output.pass.hiddenWidth)", "\(reference.pass.hiddenWidth)"),
      ("streams", "\(output.pass.streamCount)", "\(reference.pass.streamCount)"),
      ("vocabulary", "\(output.pass.vocabulary)", "\(reference.pass.vocabulary)"),
    ]
    guard let (field, found, expected) = pairs.first(where: { $0.1 != $0.2 }) else { return }
    throw .data(
      InputProblem(
        file: a.checkpoint.folder, field: field, found: found.escapedForDisplay,
        expected: "\(expected), as in \(b.checkpoint.folder.escapedForDisplay)",
        hint: "they are not the same model"))
  }

  /// Runs both models.
  ///
  /// - Parameter report: called after each layer that was compared.
  package func run(_ report: (ParityFile.Layer) -> Void = { _ in }) throws(ModelError)
    -> ParityFile
  {
    let store = try options.statePath.map { (path) throws(ModelError) in
      ParityState.Store(
        path: path,
        fingerprint: try ParityState.fingerprint(
          reference, output, tokens.batch, mode: options.mode, layers: layers))
    }
    var state = try store?.load(rows: tokens.batch.rowCount, width: reference.streamWidth)
    state?.layers.forEach(report)
    if state == nil { state = try firstState() }
    guard var state else { preconditionFailure("no state") }
    while state.next < layers.upperBound {
      if let layer = try advance(&state) { report(layer) }
      if state.next < layers.upperBound {
        try store?.save(state, found: parityFile(state.layers, nil))
      }
    }
    let result =
      options.layers == nil ? try words(reference: state.reference, output: state.output) : nil
    store?.remove()
    return parityFile(state.layers, result)
  }

  private func firstState() throws(ModelError) -> ParityState {
    let start = try reference.pass.embed(tokens.batch, reference.products)
    // A slice is compared from where the checkpoint's own layers lead to.
    let output =
      layers.lowerBound == 0
      ? try self.output.pass.embed(tokens.batch, self.output.products) : nil
    return ParityState(next: 0, reference: start, output: output ?? start.copy(), layers: [])
  }

  /// Runs the next layer of both.
  private func advance(_ state: inout ParityState) throws(ModelError) -> ParityFile.Layer? {
    let (layer, batch) = (state.next, tokens.batch)
    state.next += 1
    guard layer >= layers.lowerBound else {
      _ = try reference.pass.run(layer: layer, state.reference, batch, reference.products)
      if state.next == layers.lowerBound { state.output = rotation.toOutput(state.reference) }
      return nil
    }
    let both = state.output.joined(with: rotation.toOutput(state.reference))
    let wanted = try reference.pass.run(
      layer: layer, state.reference, batch, reference.products)
    let found = try output.pass.run(
      layer: layer, both, batch.joined(with: batch), output.products)
    let target = rotation.toOutput(state.reference)
    let rows = batch.rowCount
    let row = ParityFile.Layer(
      layer: layer, StreamComparison(both, wanted: target),
      own: StreamComparison(both, firstRow: rows, wanted: target),
      router: Self.agreement(found.experts, wanted.experts, rows),
      indexer: Self.agreement(found.index, wanted.index, rows))
    state.output = both.gathered(0..<rows)
    state.layers.append(row)
    return row
  }

  private static func agreement(_ found: [[Int32]]?, _ wanted: [[Int32]]?, _ rows: Int)
    -> ParityFile.Agreement?
  {
    guard let carried = StreamComparison.agreement(found?[..<rows], wanted),
      let own = StreamComparison.agreement(found?[rows...], wanted)
    else { return nil }
    return ParityFile.Agreement(carried: carried, own: own)
  }

  private func words(reference stream: Activations, output other: Activations)
    throws(ModelError) -> ParityFile.Result
  {
    let (rows, targets) = tokens.scored
    let comparison = WordComparison(targets: targets)
    let wanted = try reference.pass.finish(stream.gathered(rows), reference.products)
    let found = try output.pass.finish(other.gathered(rows), output.products)
    try reference.forEachLogits(wanted) { (range, logits) throws(ModelError) in
      try comparison.add(
        range, reference: logits, output: try output.logits(found, range),
        reference.products.workers)
    }
    return comparison.result
  }

  private func parityFile(_ layers: [ParityFile.Layer], _ result: ParityFile.Result?)
    -> ParityFile
  {
    ParityFile(
      tool: Conversion.toolVersion, checkpoint: Self.model(reference), output: Self.model(output),
      mode: options.mode,
      tokens: ParityFile.Tokens(
        source: tokens.source, count: tokens.batch.rowCount,
        sequences: tokens.batch.sequences.count, sequenceLength: tokens.batch.longest,
        scored: result == nil ? 0 : tokens.scored.rows.count),
      layers: layers, result: result)
  }

  private static func model(_ run: ModelRun) -> ParityFile.Model {
    let model = run.weights.model
    let path = model.checkpoint.folder
    let name = model.checkpoint.repositoryID ?? path.split(separator: "/").last.map(String.init)
    return ParityFile.Model(name: name ?? path, architecture: model.architecture, path: path)
  }
}

extension ParityFile.Layer {
  fileprivate init(
    layer: Int, _ carried: StreamComparison, own: StreamComparison, router: ParityFile.Agreement?,
    indexer: ParityFile.Agreement?
  ) {
    self.init(
      layer: layer, relativeError: carried.relativeError, cosine: carried.cosine,
      ownRelativeError: own.relativeError, ownCosine: own.cosine, router: router,
      indexer: indexer)
  }
}

extension ModelRun {
  /// Values of a row of the stream.
  var streamWidth: Int { pass.streamCount * pass.hiddenWidth }
}
