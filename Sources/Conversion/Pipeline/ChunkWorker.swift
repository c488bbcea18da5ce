import CKernels
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Converts chunks one after the other with its own buffers: read, decode, encode, decode again,
/// compare, hash, write.
final class ChunkWorker {
  let plan: ConversionPlan
  let kernels: RowKernels
  private let pool: FilePool
  private let outputs: [OutputFile]
  private let factors: FactorCache
  let buffers: WorkerBuffers
  private lazy var workspace = GPTQWorkspace()
  /// The weights of one expert's columns, and whose they are.
  private var rowWeights: [Float] = []
  private var weightsPlace: (tensor: String, expert: Int)?

  init(
    _ plan: ConversionPlan, kernels: RowKernels, pool: FilePool, outputs: [OutputFile],
    factors: FactorCache, sizes: WorkerBuffers.Sizes
  ) {
    self.plan = plan
    self.kernels = kernels
    self.pool = pool
    self.outputs = outputs
    self.factors = factors
    buffers = WorkerBuffers(sizes)
  }

  /// Converts one chunk and writes it at its planned place.
  ///
  /// - Returns: the outcome and the number of source bytes.
  func convert(_ chunk: ChunkQueue.Chunk) throws(ConversionError) -> (ChunkOutcome, byteCount: Int)
  {
    let tensor = plan.tensors[chunk.tensor]
    let source = SourceChunk(tensor, chunk: chunk.chunk, checkpoint: plan.checkpoint)
    let (outcome, output) = try encode(tensor, source)
    try write(output, tensor, source, chunk)
    return (outcome, source.codesByteCount + source.scalesByteCount)
  }

  /// Converts the only chunk of a tensor, for what it adds up to: nothing is written.
  func measure(_ tensor: PlannedTensor) throws(ConversionError) -> ChunkOutcome {
    try encode(tensor, SourceChunk(tensor, chunk: 0, checkpoint: plan.checkpoint)).outcome
  }

  /// - Returns: the outcome, and the parts of the chunk behind each other.
  private func encode(_ tensor: PlannedTensor, _ source: SourceChunk) throws(ConversionError)
    -> (outcome: ChunkOutcome, output: UnsafeMutableRawBufferPointer)
  {
    try read(source)
    do throws(CheckpointError) {
      try source.checkOffsets(plan.checkpoint, pool)
    } catch { throw .checkpoint(error) }
    var outcome = ChunkOutcome()
    hashSources(source, into: &outcome)
    let output = UnsafeMutableRawBufferPointer(
      rebasing: buffers.output[..<tensor.byteCount(rows: source.rowCount)])
    switch (tensor.expression, tensor.storage) {
    case (.values(let values), _): convertValues(values, tensor, source, output, &outcome)
    case (_, .integers(let format)):
      try convertIntegers(tensor, format, source, output, &outcome)
    case (_, .numbers(.i32)): try convertTable(tensor, source, output, &outcome)
    case (_, .numbers(let format)):
      try convertRows(tensor, format, source, output, &outcome)
      try checkScales(tensor, format, source, output, &outcome)
    }
    outcome.hash = kernels.blake3(UnsafeRawBufferPointer(output))
    return (outcome, output)
  }

  /// Writes the parts of a chunk, which lie behind each other in the buffer, each to its place.
  private func write(
    _ output: UnsafeMutableRawBufferPointer, _ tensor: PlannedTensor, _ source: SourceChunk,
    _ chunk: ChunkQueue.Chunk
  ) throws(ConversionError) {
    var start = 0
    for (part, place) in zip(tensor.parts, chunk.places) {
      let end = start + part.byteCount(rows: source.rowCount)
      do throws(FileError) {
        try outputs[place.file].write(
          UnsafeRawBufferPointer(rebasing: output[start..<end]),
          at: place.offset + part.byteCount(rows: source.firstOutputRow))
      } catch { throw .file(error) }
      start = end
    }
  }

  private func read(_ source: SourceChunk) throws(ConversionError) {
    do throws(FileError) {
      try source.read(into: buffers.sources, plan.checkpoint, pool)
    } catch { throw .file(error) }
  }

  private func hashSources(_ source: SourceChunk, into outcome: inout ChunkOutcome) {
    for segment in source.segments {
      let codes = buffers.sources.codes[
        segment.codesOffset..<segment.codesOffset + segment.codesByteCount]
      var scaleHash: [UInt8]?
      if segment.tensor.scale != nil {
        let end = segment.scalesOffset + segment.scalesByteCount
        scaleHash = kernels.blake3(
          UnsafeRawBufferPointer(rebasing: buffers.sources.scales[segment.scalesOffset..<end]))
      }
      outcome.sourceHashes.append(
        (kernels.blake3(UnsafeRawBufferPointer(rebasing: codes)), scaleHash))
    }
  }
}

// MARK: - Rows of weights

extension ChunkWorker {
  private func convertRows(
    _ tensor: PlannedTensor, _ format: NumberFormat, _ source: SourceChunk,
    _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    let decoding = RowDecoding(
      kernels: kernels, buffers: buffers.sources, chunk: source, rowLength: tensor.rowLength)
    let encoding = RowEncoding(
      kernels: kernels, buffers: buffers, tensor: tensor, format: format,
      firstRow: source.firstOutputRow)
    let isOnGrid = try usesGrid(tensor, source, &outcome)
    // Rows that change places are not one run of codes: they are taken one by one.
    let takesSingleRows = isOnGrid && source.permutation != nil
    let tileRows = takesSingleRows ? 1 : WorkerBuffers.tileRowCount(tensor)
    var comparison = Comparison()
    for first in stride(from: 0, to: source.rowCount, by: tileRows) {
      let rows = first..<min(first + tileRows, source.rowCount)
      let target = UnsafeMutableRawBufferPointer(
        rebasing: output[
          tensor.byteCount(rows: rows.lowerBound)..<tensor.byteCount(rows: rows.upperBound)])
      try fillWeights(tensor, firstRow: source.firstOutputRow, rows)
      if isOnGrid, let segment = source.segments.first {
        let grid = decoding.gridRow(
          segment, row: source.sourceRow(ofRow: first),
          elementCount: rows.count * tensor.rowLength)
        let blocks = target.assumingMemoryBound(to: UInt8.self)
        encoding.encode(grid, rows: rows, into: blocks)
        // Equal values add nothing but signal, which weights would count in their own way.
        let isEqual =
          tensor.importance == nil
          && kernels.compareExactly(
            grid, format, UnsafeBufferPointer(blocks), position: first * tensor.rowLength,
            into: &comparison.plain)
        if isEqual { continue }
        decoding.decode(rows: rows, into: buffers.source)
      } else {
        decoding.decode(rows: rows, into: buffers.source)
        try replaceNonFinite(tensor, source, rows: rows, &outcome)
        try rotate(tensor, source, rows: rows)
        if tensor.method == .gptq {
          try encodeWithFeedback(encoding, rows, target)
        } else {
          encoding.encode(rows: rows, into: target)
        }
      }
      try compare(encoding, source, rows, target, &comparison)
    }
    outcome.sums = ErrorSums(comparison.plain)
    outcome.weighted = WeightedSums(comparison.weighted)
  }

  /// Rounds the rows of the tile expert by expert, each with the statistics of its own inputs.
  private func encodeWithFeedback(
    _ encoding: RowEncoding, _ rows: Range<Int>, _ target: UnsafeMutableRawBufferPointer
  ) throws(ConversionError) {
    var first = rows.lowerBound
    while first < rows.upperBound {
      let expert = (encoding.firstRow + first) / encoding.tensor.rowsPerExpert
      let lastOfExpert = (expert + 1) * encoding.tensor.rowsPerExpert - encoding.firstRow
      let end = min(rows.upperBound, lastOfExpert)
      let (factors, widths) = try factors.factors(encoding.tensor, expert: expert)
      encoding.encodeWithFeedback(
        first..<end, ofTile: rows, factors: factors, widths: widths, in: workspace, into: target)
      first = end
    }
  }

  private struct Comparison {
    var plain = quern_comparison()
    var weighted = quern_weighted_sums()
  }

  /// Puts the weights of each row's columns beside its values.
  func fillWeights(_ tensor: PlannedTensor, firstRow: Int, _ rows: Range<Int>)
    throws(ConversionError)
  {
    guard tensor.importance != nil, let importance = plan.importance else { return }
    for row in rows {
      let expert = (firstRow + row) / tensor.rowsPerExpert
      if weightsPlace?.tensor != tensor.name || weightsPlace?.expert != expert {
        rowWeights = try importance.weights(tensor.name, expert: expert, of: tensor.expertCount)
        weightsPlace = (tensor.name, expert)
      }
      let start = (row - rows.lowerBound) * tensor.rowLength
      let place = UnsafeMutableBufferPointer(
        rebasing: buffers.weights[start..<start + tensor.rowLength])
      _ = place.update(fromContentsOf: rowWeights)
    }
  }

  /// Decodes what was written and compares it with the source tile.
  private func compare(
    _ encoding: RowEncoding, _ source: SourceChunk, _ rows: Range<Int>,
    _ target: UnsafeMutableRawBufferPointer, _ comparison: inout Comparison
  ) throws(ConversionError) {
    let tensor = encoding.tensor
    let values = UnsafeBufferPointer(
      rebasing: buffers.source[..<(rows.count * tensor.rowLength)])
    let decoded = encoding.decode(rows: rows, UnsafeRawBufferPointer(target))
    if encoding.format.f16ScaleOffsets.isEmpty, let index = kernels.firstNonFinite(decoded) {
      throw overflow(
        tensor, source, row: rows.lowerBound + index / tensor.rowLength, value: values[index],
        what: Self.overflowAdvice(encoding.format))
    }
    let position = rows.lowerBound * tensor.rowLength
    kernels.compare(values, decoded, position: position, into: &comparison.plain)
    if let weights = encoding.weights(rows) {
      kernels.compare(
        values, decoded, weights: weights, position: position, into: &comparison.weighted)
    }
  }

  private static func overflowAdvice(_ format: NumberFormat) -> String {
    switch format {
    case .f16: "no F16 holds it: use bf16 or f32 for this tensor"
    case .bf16: "no BF16 holds it: use f32 for this tensor"
    default: "no \(format.ggmlName) holds it: use f32 for this tensor"
    }
  }

  /// True when codes go to the encoder as codes. A NaN scale has no code.
  func usesGrid(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ outcome: inout ChunkOutcome
  ) throws(ConversionError) -> Bool {
    guard tensor.method == .gridAware, let segment = source.segments.first else { return false }
    let scales = UnsafeRawBufferPointer(
      rebasing: buffers.sources.scales[
        segment.scalesOffset..<segment.scalesOffset + segment.scalesByteCount]
    ).assumingMemoryBound(to: UInt8.self)
    if let element = scales.firstIndex(of: 0xff) {
      guard plan.options.nonFinite == .zero else {
        let perRow = segment.tensor.scaleRowByteCount
        throw .data(
          InputProblem(
            file: plan.checkpoint.files[segment.tensor.codes.file].path,
            tensor: segment.tensor.scale?.name ?? segment.tensor.name,
            field: "row \(segment.firstRow + element / perRow), block \(element % perRow)",
            found: "the scale byte 255, a NaN", expected: "a finite scale, or --nan zero"))
      }
      return false
    }
    // Under the two scales below NaN 4 and 6 are no float32: as values they are seen and refused.
    if scales.contains(where: { $0 > 252 }) { return false }
    if tensor.storage == .numbers(.q4_0), tensor.importance == nil {
      outcome.errorBound = largestBound(scales)
    }
    return true
  }

  private func largestBound(_ scales: UnsafeBufferPointer<UInt8>) -> Double? {
    var largest: Float = 0
    for byte in scales {
      guard let bound = GridBounds.q4_0Bound(scaleByte: byte) else { return nil }
      largest = max(largest, bound)
    }
    return Double(largest)
  }

  func replaceNonFinite(
    _ tensor: PlannedTensor, _ source: SourceChunk, rows: Range<Int>, _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    let tile = UnsafeMutableBufferPointer(
      rebasing: buffers.source[..<(rows.count * tensor.rowLength)])
    guard let first = kernels.firstNonFinite(UnsafeBufferPointer(tile)) else { return }
    guard plan.options.nonFinite == .zero else {
      throw nonFinite(
        tensor, source, row: rows.lowerBound + first / tensor.rowLength,
        column: first % tensor.rowLength, value: tile[first])
    }
    for index in tile.indices where !tile[index].isFinite {
      tile[index] = 0
      outcome.counts.zeroedNonFinite += 1
    }
  }

  private func nonFinite(
    _ tensor: PlannedTensor, _ source: SourceChunk, row: Int, column: Int, value: Float
  ) -> ConversionError {
    let place = source.place(ofRow: row, column: column)
    let block = max(tensor.storage.groupElements(rowLength: tensor.rowLength), 1)
    return .data(
      InputProblem(
        file: plan.checkpoint.files[place.segment.tensor.codes.file].path,
        tensor: place.segment.tensor.name,
        field: "row \(place.row), column \(place.column)"
          + (block > 1 ? ", block \(column / block)" : ""),
        found: "\(value)", expected: "a finite weight, or --nan zero"))
  }

  /// Counts what the F16 scales look like; one that overflowed would make its block infinite.
  private func checkScales(
    _ tensor: PlannedTensor, _ format: NumberFormat, _ source: SourceChunk,
    _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    guard !format.f16ScaleOffsets.isEmpty else { return }
    let counts = kernels.scanScales(format, UnsafeRawBufferPointer(output))
    outcome.counts.zeroBlocks = Int(clamping: counts.zero_blocks)
    outcome.counts.subnormalScales = Int(clamping: counts.subnormal_scales)
    let blocksPerRow = tensor.rowLength / format.blockElements
    let block = Int(clamping: counts.first_non_finite)
    guard block < source.rowCount * blocksPerRow else { return }
    let row = block / blocksPerRow
    RowDecoding(
      kernels: kernels, buffers: buffers.sources, chunk: source, rowLength: tensor.rowLength
    )
    .decode(rows: row..<row + 1, into: buffers.source)
    let first = block % blocksPerRow * format.blockElements
    let values = buffers.source[first..<first + format.blockElements]
    throw overflow(
      tensor, source, row: row, value: values.max { abs($0) < abs($1) } ?? 0,
      what: "no F16 scale holds block \(block % blocksPerRow): use bf16 for this tensor")
  }

  func overflow(
    _ tensor: PlannedTensor, _ source: SourceChunk, row: Int, value: Float, what: String
  ) -> ConversionError {
    let segment = source.segments[0]
    return .data(
      InputProblem(
        file: plan.checkpoint.files[segment.tensor.codes.file].path, tensor: segment.tensor.name,
        field: source.firstColumn == nil
          ? "row \(segment.firstRow + source.sourceRow(ofRow: row))"
          : "column \(source.place(ofRow: row, column: 0).column)",
        found: "the weight \(value)",
        expected: "weights that \(tensor.storage.word) can hold; \(what)"))
  }
}
