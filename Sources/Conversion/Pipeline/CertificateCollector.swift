import QuernCertificates
import QuernQuantization
import Synchronization

/// Gathers the outcomes of chunks into certificate rows. The outcomes of a tensor are kept until its
/// last chunk is done, then folded in order.
final class CertificateCollector: Sendable {
  private struct Progress {
    var outcomes: [ChunkOutcome?]
    var remaining: Int
  }

  private struct State {
    var open: [Int: Progress] = [:]
    var rows: [CertificateRow?]
  }

  private let plan: ConversionPlan
  private let kernels: RowKernels
  private let state: Mutex<State>
  private let places: [[ConversionPlan.PartPlace]]

  init(_ plan: ConversionPlan, kernels: RowKernels) {
    self.plan = plan
    self.kernels = kernels
    places = plan.places
    state = Mutex(State(rows: Array(repeating: nil, count: plan.tensors.count)))
  }

  func add(_ outcome: ChunkOutcome, tensor: Int, chunk: Int) {
    let complete: [ChunkOutcome]? = state.withLock { state in
      let count = plan.tensors[tensor].grid.chunkCount
      var progress =
        state.open.removeValue(forKey: tensor)
        ?? Progress(outcomes: Array(repeating: nil, count: count), remaining: count)
      progress.outcomes[chunk] = outcome
      progress.remaining -= 1
      if progress.remaining == 0 { return progress.outcomes.compactMap { $0 } }
      state.open[tensor] = progress
      return nil
    }
    guard let complete else { return }
    let row = row(of: tensor, outcomes: complete)
    state.withLock { $0.rows[tensor] = row }
  }

  /// All rows in the plan's order, once every chunk is done.
  func rows() -> [CertificateRow] {
    let rows = state.withLock { $0.rows }
    return rows.enumerated().map { $1 ?? row(of: $0, outcomes: []) }
  }

  private func row(of index: Int, outcomes: [ChunkOutcome]) -> CertificateRow {
    let tensor = plan.tensors[index]
    var counts = CertificateRow.Counts()
    for outcome in outcomes {
      counts.zeroBlocks += outcome.counts.zeroBlocks
      counts.subnormalScales += outcome.counts.subnormalScales
      counts.zeroedNonFinite += outcome.counts.zeroedNonFinite
    }
    if tensor.storage.integerFormat != nil {
      counts.exactRows = outcomes.reduce(0) { $0 + ($1.counts.exactRows ?? 0) }
    }
    let bounds = outcomes.map(\.errorBound)
    return CertificateRow(
      name: tensor.name, file: places[index].first?.file ?? 0, role: tensor.role.rawValue,
      type: tensor.storage.word, method: tensor.method.rawValue, shape: tensor.shape.dimensions,
      sources: sources(of: tensor, outcomes: outcomes),
      sums: ErrorSums.sum(ofChunks: outcomes.map(\.sums)),
      errorBound: bounds.contains { $0 == nil } ? nil : bounds.compactMap { $0 }.max(),
      counts: counts, importance: importance(of: tensor, outcomes),
      calibration: tensor.calibration.map { .init(unseenExpertCount: $0.unseenExpertCount) },
      input: tensor.activation.map { .init(scale: $0.scale, offset: $0.offset) },
      isRotated: tensor.rotation != nil, scaleExponents: tensor.scaleExponents,
      stored: stored(index),
      offset: places[index].first?.offset ?? 0, byteCount: tensor.byteCount,
      parts: tensor.grid.parts,
      chunkRows: tensor.grid.chunkRows, hash: combined(outcomes.map(\.hash)))
  }

  /// The parts, where there are several or the file has names for types.
  private func stored(_ index: Int) -> [CertificateRow.Stored] {
    let parts = plan.tensors[index].parts
    guard parts.count > 1 else { return [] }
    return zip(parts, places[index]).map { part, place in
      CertificateRow.Stored(
        name: part.name, file: place.file, type: part.elementType?.rawValue ?? "",
        shape: part.shape.dimensions,
        offset: place.offset, byteCount: part.byteCount)
    }
  }

  private func importance(of tensor: PlannedTensor, _ outcomes: [ChunkOutcome])
    -> CertificateRow.Importance?
  {
    tensor.importance.map { facts in
      let sums = WeightedSums.sum(ofChunks: outcomes.map(\.weighted))
      return CertificateRow.Importance(
        unseenExpertCount: facts.unseenExpertCount, signal: sums.signal, noise: sums.noise)
    }
  }

  /// Each source with the digests of its chunks combined; the parts of a stack have chunks of their
  /// own, joined columns share them.
  private func sources(of tensor: PlannedTensor, outcomes: [ChunkOutcome]) -> [CertificateRow
    .Source]
  {
    let isStack = tensor.expression.isStack
    return tensor.expression.sources.enumerated().map { position, rows in
      let source = plan.checkpoint.tensors[rows.tensor]
      let perPart = tensor.grid.chunksPerPart
      let own = isStack ? outcomes[position * perPart..<(position + 1) * perPart] : outcomes[...]
      let hashes = own.map { $0.sourceHashes[isStack ? 0 : position] }
      let isWhole = rows.firstRow == 0 && rows.rowCount == source.shape.rowCount
      return CertificateRow.Source(
        name: source.name.text, file: plan.checkpoint.files[source.codes.file].name,
        encoding: source.encoding.description,
        rows: isWhole ? nil : [rows.firstRow, rows.rowCount], hash: combined(hashes.map(\.codes)),
        scaleHash: source.scale == nil ? nil : combined(hashes.compactMap(\.scales)))
    }
  }

  private func combined(_ digests: [[UInt8]]) -> String {
    Array(digests.joined()).withUnsafeBytes { kernels.blake3($0).hexadecimal }
  }
}
