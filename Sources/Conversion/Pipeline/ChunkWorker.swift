import CKernels
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Converts chunks one after the other with its own buffers: read, decode, encode, decode again,
/// compare, hash, write.
final class ChunkWorker {
  private let plan: ConversionPlan
  private let kernels: RowKernels
  private let pool: FilePool
  private let outputs: [OutputFile]
  private let buffers: WorkerBuffers

  init(
    _ plan: ConversionPlan, kernels: RowKernels, pool: FilePool, outputs: [OutputFile],
    sizes: WorkerBuffers.Sizes
  ) {
    self.plan = plan
    self.kernels = kernels
    self.pool = pool
    self.outputs = outputs
    buffers = WorkerBuffers(sizes)
  }

  /// Converts one chunk and writes it at its planned place.
  ///
  /// - Returns: the outcome and the number of source bytes.
  func convert(_ chunk: ChunkQueue.Chunk) throws(ConversionError) -> (ChunkOutcome, byteCount: Int)
  {
    let tensor = plan.tensors[chunk.tensor]
    let source = SourceChunk(tensor, chunk: chunk.chunk, checkpoint: plan.checkpoint)
    try read(source)
    var outcome = ChunkOutcome()
    hashSources(source, into: &outcome)
    let output = UnsafeMutableRawBufferPointer(
      rebasing: buffers.output[..<(source.rowCount * tensor.rowByteCount)])
    switch tensor.expression {
    case .values(let values): convertValues(values, tensor, source, output, &outcome)
    default:
      if tensor.format == .i32 {
        try convertTable(tensor, source, output, &outcome)
      } else {
        try convertRows(tensor, source, output, &outcome)
      }
    }
    try checkScales(tensor, source, output, &outcome)
    outcome.hash = kernels.blake3(UnsafeRawBufferPointer(output))
    do throws(FileError) {
      try outputs[chunk.file].write(
        UnsafeRawBufferPointer(output),
        at: chunk.tensorOffset + source.firstOutputRow * tensor.rowByteCount)
    } catch { throw .file(error) }
    return (outcome, source.codesByteCount + source.scalesByteCount)
  }

  private func read(_ source: SourceChunk) throws(ConversionError) {
    do throws(FileError) {
      for segment in source.segments {
        try read(
          segment.tensor.codes.file, segment.codesRange, into: buffers.codes,
          at: segment.codesOffset)
        if let range = segment.scalesRange, let scale = segment.tensor.scale {
          try read(scale.file, range, into: buffers.scales, at: segment.scalesOffset)
        }
      }
    } catch { throw .file(error) }
  }

  private func read(
    _ file: Int, _ range: ByteRange, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) {
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + range.byteCount])
    try pool.file(at: plan.checkpoint.files[file].path).read(into: target, at: range.offset)
  }

  private func hashSources(_ source: SourceChunk, into outcome: inout ChunkOutcome) {
    for segment in source.segments {
      let codes = buffers.codes[segment.codesOffset..<segment.codesOffset + segment.codesByteCount]
      var scaleHash: [UInt8]?
      if segment.tensor.scale != nil {
        let end = segment.scalesOffset + segment.scalesByteCount
        scaleHash = kernels.blake3(
          UnsafeRawBufferPointer(rebasing: buffers.scales[segment.scalesOffset..<end]))
      }
      outcome.sourceHashes.append(
        (kernels.blake3(UnsafeRawBufferPointer(rebasing: codes)), scaleHash))
    }
  }
}

// MARK: - Rows of weights

extension ChunkWorker {
  private func convertRows(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    let decoding = RowDecoding(
      kernels: kernels, buffers: buffers, chunk: source, rowLength: tensor.rowLength)
    let isOnGrid = try usesGrid(tensor, source, &outcome)
    // Rows that change places are not one run of codes: they are taken one by one.
    let takesSingleRows = isOnGrid && source.permutation != nil
    let tileRows =
      takesSingleRows ? 1 : max(1, WorkerBuffers.tileElementCount / max(1, tensor.rowLength))
    var comparison = quern_comparison()
    for first in stride(from: 0, to: source.rowCount, by: tileRows) {
      let rows = first..<min(first + tileRows, source.rowCount)
      let target = UnsafeMutableRawBufferPointer(
        rebasing: output[
          rows.lowerBound * tensor.rowByteCount..<rows.upperBound * tensor.rowByteCount])
      let position = first * tensor.rowLength
      if isOnGrid, let segment = source.segments.first {
        let grid = decoding.gridRow(
          segment, row: source.sourceRow(ofRow: first),
          elementCount: rows.count * tensor.rowLength)
        let blocks = target.assumingMemoryBound(to: UInt8.self)
        kernels.encode(tensor.format, grid, into: blocks)
        let isEqual = kernels.compareExactly(
          grid, tensor.format, UnsafeBufferPointer(blocks), position: position, into: &comparison)
        if isEqual { continue }
        decoding.decode(rows: rows)
      } else {
        decoding.decode(rows: rows)
        try replaceNonFinite(tensor, source, rows: rows, &outcome)
        let values = UnsafeBufferPointer(
          rebasing: buffers.source[..<(rows.count * tensor.rowLength)])
        kernels.encode(tensor.format, values, into: target)
      }
      try compare(tensor, source, rows, target, position, &comparison)
    }
    outcome.sums = ErrorSums(comparison)
  }

  /// Decodes what was written and compares it with the source tile.
  private func compare(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ rows: Range<Int>,
    _ target: UnsafeMutableRawBufferPointer, _ position: Int, _ comparison: inout quern_comparison
  ) throws(ConversionError) {
    let count = rows.count * tensor.rowLength
    let decoded = UnsafeMutableBufferPointer(rebasing: buffers.decoded[..<count])
    kernels.decode(tensor.format, UnsafeRawBufferPointer(target), into: decoded)
    if tensor.method == .cast, let index = kernels.firstNonFinite(UnsafeBufferPointer(decoded)) {
      throw overflow(
        tensor, source, row: rows.lowerBound + index / tensor.rowLength,
        value: buffers.source[index],
        what: tensor.format == .f16
          ? "no F16 holds it: use bf16 or f32 for this tensor"
          : "no BF16 holds it: use f32 for this tensor")
    }
    kernels.compare(
      UnsafeBufferPointer(rebasing: buffers.source[..<count]), UnsafeBufferPointer(decoded),
      position: position, into: &comparison)
  }

  /// True when codes go to the encoder as codes. A NaN scale has no code.
  private func usesGrid(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ outcome: inout ChunkOutcome
  ) throws(ConversionError) -> Bool {
    guard tensor.method == .gridAware, let segment = source.segments.first else { return false }
    let scales = UnsafeRawBufferPointer(
      rebasing: buffers.scales[
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
    if tensor.format == .q4_0 { outcome.errorBound = largestBound(scales) }
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

  private func replaceNonFinite(
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
    let segment = source.segments.last { $0.column <= column } ?? source.segments[0]
    let block = max(tensor.format.blockElements, 1)
    return .data(
      InputProblem(
        file: plan.checkpoint.files[segment.tensor.codes.file].path, tensor: segment.tensor.name,
        field:
          "row \(segment.firstRow + source.sourceRow(ofRow: row)), column \(column - segment.column)"
          + (block > 1 ? ", block \(column / block)" : ""),
        found: "\(value)", expected: "a finite weight, or --nan zero"))
  }

  /// Counts what the F16 scales look like; one that overflowed would make its block infinite.
  private func checkScales(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    guard tensor.format == .q8_0 || tensor.format == .q4_0 else { return }
    let counts = kernels.scanScales(tensor.format, UnsafeRawBufferPointer(output))
    outcome.counts.zeroBlocks = Int(clamping: counts.zero_blocks)
    outcome.counts.subnormalScales = Int(clamping: counts.subnormal_scales)
    let blocksPerRow = tensor.rowLength / tensor.format.blockElements
    let block = Int(clamping: counts.first_non_finite)
    guard block < source.rowCount * blocksPerRow else { return }
    let row = block / blocksPerRow
    RowDecoding(kernels: kernels, buffers: buffers, chunk: source, rowLength: tensor.rowLength)
      .decode(rows: row..<row + 1)
    let first = block % blocksPerRow * tensor.format.blockElements
    let values = buffers.source[first..<first + tensor.format.blockElements]
    throw overflow(
      tensor, source, row: row, value: values.max { abs($0) < abs($1) } ?? 0,
      what: "no F16 scale holds block \(block % blocksPerRow): use bf16 for this tensor")
  }

  private func overflow(
    _ tensor: PlannedTensor, _ source: SourceChunk, row: Int, value: Float, what: String
  ) -> ConversionError {
    let segment = source.segments[0]
    return .data(
      InputProblem(
        file: plan.checkpoint.files[segment.tensor.codes.file].path, tensor: segment.tensor.name,
        field: "row \(segment.firstRow + source.sourceRow(ofRow: row))",
        found: "the weight \(value)",
        expected: "weights that \(tensor.format.ggmlName) can hold; \(what)"))
  }
}

// MARK: - Tables and derived values

extension ChunkWorker {
  private func convertValues(
    _ values: [Float], _ tensor: PlannedTensor, _ source: SourceChunk,
    _ output: UnsafeMutableRawBufferPointer, _ outcome: inout ChunkOutcome
  ) {
    let first = source.firstOutputRow * tensor.rowLength
    let chunk = Array(values[first..<first + source.rowCount * tensor.rowLength])
    var comparison = quern_comparison()
    chunk.withUnsafeBufferPointer { values in
      kernels.encode(.f32, values, into: output)
      var decoded = [Float](repeating: 0, count: values.count)
      decoded.withUnsafeMutableBufferPointer { decoded in
        kernels.decode(.f32, UnsafeRawBufferPointer(output), into: decoded)
        kernels.compare(values, UnsafeBufferPointer(decoded), position: 0, into: &comparison)
      }
    }
    outcome.sums = ErrorSums(comparison)
  }

  /// An index table becomes I32; its sums are over the indices as numbers.
  private func convertTable(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    guard let segment = source.segments.first else { return }
    let width = segment.tensor.encoding == .plain(.i64) ? 8 : 4
    var lanes = [Double](repeating: 0, count: 16)
    for index in 0..<source.rowCount * tensor.rowLength {
      let value =
        width == 8
        ? Int(
          Int64(
            littleEndian: buffers.codes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)))
        : Int(
          Int32(
            littleEndian: buffers.codes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)))
      guard let entry = Int32(exactly: value) else {
        throw .data(
          InputProblem(
            file: plan.checkpoint.files[segment.tensor.codes.file].path,
            tensor: segment.tensor.name,
            field: "row \(segment.firstRow + index / tensor.rowLength)", found: "\(value)",
            expected: "an entry that fits 32 bits"))
      }
      output.storeBytes(of: entry.littleEndian, toByteOffset: 4 * index, as: Int32.self)
      let read = Int32(littleEndian: output.load(fromByteOffset: 4 * index, as: Int32.self))
      if Int(read) != value { outcome.sums.unequalCount += 1 }
      lanes[index % 16] += Double(value) * Double(value)
    }
    outcome.sums.signal = ErrorSums.sum(ofLanes: lanes)
    outcome.sums.output = outcome.sums.signal
  }
}
