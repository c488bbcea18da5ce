import QuernConversion
import QuernKernels
import QuernQuantization
import QuernTensors

/// Some rows of a weight in the forms that kernels take, each from the bytes that are stored.
struct TileWeights {
  let tile: IntegerTile
  /// The codes as they are stored.
  private(set) var codeBytes: [UInt8] = []
  /// `deq_scale`; empty where it is not stored.
  private(set) var productScales: [Float] = []
  /// `quant_bias`
  private(set) var biases: [Int32] = []
  /// `scale_bias`, [rows][runs].
  private var corrections: [Float] = []
  private var runs = 1

  init(_ tile: IntegerTile, _ stored: StoredRows, _ rows: Range<Int>) {
    self.tile = tile
    let count = tile.rowCount
    var (bytes, scales, biases, corrections, runCount) = (
      [UInt8](), [Float](), [Int32](), [Float](), 1
    )
    stored.forEachPart(rows) { part, raw in
      switch part.content {
      case .codes: bytes = Array(raw)
      case .productScales:
        scales = (0..<count).map { IntegerTile.number(raw, part.elementType ?? .f32, at: $0) }
      case .offsetCorrection:
        biases = (0..<count).map { Int32(bitPattern: raw.littleEndianUInt32(at: 4 * $0)) }
      case .splitCorrection(let runs):
        runCount = runs
        corrections = (0..<count * runs).map { IntegerTile.number(raw, .f32, at: $0) }
      case .values, .scales, .zeroOffsets, .fractalNZ: break
      }
    }
    (codeBytes, productScales, self.biases) = (bytes, scales, biases)
    (self.corrections, runs) = (corrections, runCount)
  }

  var isFour: Bool { tile.storage.packing == .rowPairs }

  func codes() throws(KernelError) -> CodeMatrix {
    try CodeMatrix(rows: tile.rowCount, columns: tile.rowLength, codes: tile.codes)
  }

  /// Scales as vllm-ascend keeps them: in parameters of the model's type.
  var parameterScales: [Float] { tile.scales.map { BF16.decode(BF16.encode($0)) } }

  /// The weights of the W4A8 kernel; of one rank, which takes its share of the correction's columns.
  func four(_ codes: CodeMatrix, rank: Int = 0, of ranks: Int = 1) throws(KernelError)
    -> W4A8Weights
  {
    guard corrections.count == tile.rowCount * runs else {
      throw .count(of: "scale_bias", found: corrections.count, expected: tile.rowCount * runs)
    }
    let share = max(1, runs / ranks)
    var biases: [Float] = []
    for row in 0..<tile.rowCount {
      let first = row * runs + min(runs - share, rank * share)
      biases += corrections[first..<first + share]
    }
    return try W4A8Weights(codes: codes, scales: tile.scales, scaleBias: biases)
  }

  /// The weights of the kernel with float inputs.
  func floats(_ codes: CodeMatrix) throws(KernelError) -> WeightQuantBatchMatmul {
    try WeightQuantBatchMatmul(
      codes: codes, scales: tile.scales, groupElements: tile.storage.groupElements)
  }
}
