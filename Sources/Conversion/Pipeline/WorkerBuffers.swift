import QuernCheckpoints
import QuernQuantization
import QuernTensors

/// The memory of one worker, allocated once: a chunk of codes, scales and output, a tile of decoded
/// rows of either side.
final class WorkerBuffers {
  /// Elements of a tile: two tiles of float32 fit the second-level cache.
  static let tileElementCount = 1 << 14

  /// Rows of a tile. A Hessian block is read once for each call of the rounding: two groups of rows
  /// for each of them at least.
  static func tileRowCount(_ tensor: PlannedTensor) -> Int {
    // Both are powers of two.
    let granule = max(
      tensor.storage.integerFormat?.storage.rowGranule ?? 1, tensor.rotation?.rowGranule ?? 1)
    let rows = max(
      tensor.method == .gptq ? 2 * GPTQWorkspace.rowCount : granule,
      tileElementCount / max(1, tensor.rowLength))
    return rows / granule * granule
  }

  let codes: UnsafeMutableRawBufferPointer
  let scales: UnsafeMutableRawBufferPointer
  let output: UnsafeMutableRawBufferPointer
  let source: UnsafeMutableBufferPointer<Float>
  let decoded: UnsafeMutableBufferPointer<Float>
  /// The weights of a tile's values; empty where nothing is weighted.
  let weights: UnsafeMutableBufferPointer<Float>
  /// What the errors of a tile's values count in a search; as large as `weights`.
  let searchWeights: UnsafeMutableBufferPointer<Float>
  /// The scales of one row as float32; of a tile of rows where codes are integers.
  let rowScales: UnsafeMutableBufferPointer<Float>
  /// Integer codes of a tile: those of a source whose rows share bytes, or those to be stored.
  let integerCodes: UnsafeMutableBufferPointer<Int8>
  /// The scales of codes to be stored.
  let integerScales: UnsafeMutableBufferPointer<Float>

  /// What the largest chunk of a plan needs.
  struct Sizes {
    var codes = 0
    var scales = 0
    var output = 0
    var tile = 0
    var weights = 0
    var rowScales = 0
    var integerCodes = 0
    var integerScales = 0

    init(_ plan: ConversionPlan) { self.init(plan.tensors, checkpoint: plan.checkpoint) }

    init(_ tensors: [PlannedTensor], checkpoint: Checkpoint) {
      for tensor in tensors where tensor.grid.chunkCount > 0 {
        let chunk = SourceChunk(tensor, chunk: 0, checkpoint: checkpoint)
        // A later chunk may begin and end amid rows that share bytes, and reach over more of them.
        let shared = chunk.segments.reduce(0) { sum, segment in
          let granule = segment.tensor.encoding.rowGranule
          return sum + (granule > 1 ? segment.tensor.codeByteCount(rows: granule) : 0)
        }
        codes = max(codes, chunk.codesByteCount + shared)
        // It may also begin inside a row of scales and touch one more.
        let spare = chunk.segments.reduce(0) { $0 + $1.tensor.scaleRowByteCount }
        scales = max(scales, chunk.scalesByteCount + spare)
        output = max(output, tensor.byteCount(rows: chunk.rowCount))
        let rows = WorkerBuffers.tileRowCount(tensor)
        tile = max(tile, rows * tensor.rowLength)
        if let storage = tensor.storage.integerFormat?.storage {
          integerCodes = max(integerCodes, rows * tensor.rowLength)
          integerScales = max(
            integerScales, rows * storage.groupsPerRow(rowLength: tensor.rowLength))
        }
        if tensor.importance != nil { weights = max(weights, rows * tensor.rowLength) }
        for segment in chunk.segments { add(segment.tensor, tileRows: rows) }
      }
    }

    private mutating func add(_ source: SourceTensor, tileRows: Int) {
      var scaleRows = 1
      if case .integers(let storage, _) = source.encoding {
        scaleRows = tileRows
        if storage.packing != .bytes {
          // A tile may begin and end amid rows that share bytes.
          let rows = tileRows + 2 * (storage.rowGranule - 1)
          integerCodes = max(integerCodes, rows * source.shape.rowLength)
        }
      }
      rowScales = max(rowScales, scaleRows * (source.scale?.shape.rowLength ?? 0))
    }

    var byteCount: Int {
      codes + scales + output + 8 * (tile + weights) + 4 * (rowScales + integerScales)
        + integerCodes
    }
  }

  init(_ sizes: Sizes) {
    func raw(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(64, byteCount), alignment: 64)
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      return buffer
    }
    func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(64, count))
      buffer.initialize(repeating: 0)
      return buffer
    }
    codes = raw(sizes.codes)
    scales = raw(sizes.scales)
    output = raw(sizes.output)
    source = floats(sizes.tile)
    decoded = floats(sizes.tile)
    weights = floats(sizes.weights)
    searchWeights = floats(sizes.weights)
    rowScales = floats(sizes.rowScales)
    integerScales = floats(sizes.integerScales)
    integerCodes = .allocate(capacity: max(64, sizes.integerCodes))
    integerCodes.initialize(repeating: 0)
  }

  deinit {
    codes.deallocate()
    scales.deallocate()
    output.deallocate()
    source.deallocate()
    decoded.deallocate()
    weights.deallocate()
    searchWeights.deallocate()
    rowScales.deallocate()
    integerCodes.deallocate()
    integerScales.deallocate()
  }
}
