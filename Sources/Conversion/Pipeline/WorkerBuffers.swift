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

  /// What chunks of the sources are read to.
  let sources: SourceBuffers
  let output: UnsafeMutableRawBufferPointer
  let source: UnsafeMutableBufferPointer<Float>
  let decoded: UnsafeMutableBufferPointer<Float>
  /// The weights of a tile's values; empty where nothing is weighted.
  let weights: UnsafeMutableBufferPointer<Float>
  /// What the errors of a tile's values count in a search; as large as `weights`.
  let searchWeights: UnsafeMutableBufferPointer<Float>
  /// Integer codes of a tile that are to be stored.
  let integerCodes: UnsafeMutableBufferPointer<Int8>
  /// The scales of codes to be stored.
  let integerScales: UnsafeMutableBufferPointer<Float>

  /// What the largest chunk of a plan needs.
  struct Sizes {
    var sources = SourceBuffers.Sizes()
    var output = 0
    var tile = 0
    var weights = 0
    var integerCodes = 0
    var integerScales = 0

    init(_ plan: ConversionPlan) { self.init(plan.tensors, checkpoint: plan.checkpoint) }

    init(_ tensors: [PlannedTensor], checkpoint: Checkpoint) {
      for tensor in tensors where tensor.grid.chunkCount > 0 {
        let chunk = SourceChunk(tensor, chunk: 0, checkpoint: checkpoint)
        output = max(output, tensor.byteCount(rows: chunk.rowCount))
        let rows = WorkerBuffers.tileRowCount(tensor)
        sources.add(chunk, tileRows: rows)
        tile = max(tile, rows * tensor.rowLength)
        if let storage = tensor.storage.integerFormat?.storage {
          integerCodes = max(integerCodes, rows * tensor.rowLength)
          integerScales = max(
            integerScales, rows * storage.groupsPerRow(rowLength: tensor.rowLength))
        }
        if tensor.importance != nil { weights = max(weights, rows * tensor.rowLength) }
      }
    }

    var byteCount: Int {
      sources.byteCount + output + 8 * (tile + weights) + 4 * integerScales + integerCodes
    }
  }

  init(_ sizes: Sizes) {
    func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(64, count))
      buffer.initialize(repeating: 0)
      return buffer
    }
    sources = SourceBuffers(sizes.sources)
    output = .allocate(byteCount: max(64, sizes.output), alignment: 64)
    output.initializeMemory(as: UInt8.self, repeating: 0)
    source = floats(sizes.tile)
    decoded = floats(sizes.tile)
    weights = floats(sizes.weights)
    searchWeights = floats(sizes.weights)
    integerScales = floats(sizes.integerScales)
    integerCodes = .allocate(capacity: max(64, sizes.integerCodes))
    integerCodes.initialize(repeating: 0)
  }

  deinit {
    output.deallocate()
    source.deallocate()
    decoded.deallocate()
    weights.deallocate()
    searchWeights.deallocate()
    integerCodes.deallocate()
    integerScales.deallocate()
  }
}
