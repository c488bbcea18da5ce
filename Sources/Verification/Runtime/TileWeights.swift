import QuernConversion
import QuernKernels
import QuernQuantization
import QuernTensors

/// Some rows of a weight in the forms that kernels take, each from the bytes that are stored.
struct TileWeights {
  let tile: IntegerTile
  /// The codes as they are stored.
  private(set) var codeBytes: [UInt8] = []
  private(set) var weights: IntegerWeights

  /// - Throws: `KernelError` where codes do not fit their shape.
  init(_ tile: IntegerTile, _ stored: StoredRows, _ rows: Range<Int>) throws(KernelError) {
    self.tile = tile
    let count = tile.rowCount
    var weights = IntegerWeights(
      codes: try CodeMatrix(rows: count, columns: tile.rowLength, codes: tile.codes),
      scales: tile.scales, groupElements: tile.storage.groupElements)
    weights.isSplit = tile.storage.packing == .rowPairs
    weights.biases = []
    var bytes: [UInt8] = []
    stored.forEachPart(rows) { part, raw in
      switch part.content {
      case .codes: bytes = Array(raw)
      case .productScales:
        weights.productScales = (0..<count).map {
          IntegerTile.number(raw, part.elementType ?? .f32, at: $0)
        }
      case .offsetCorrection:
        weights.biases = (0..<count).map { Int32(bitPattern: raw.littleEndianUInt32(at: 4 * $0)) }
      case .splitCorrection(let runs):
        weights.corrections = (0..<count * runs).map { IntegerTile.number(raw, .f32, at: $0) }
      case .values, .scales, .zeroOffsets, .fractalNZ: break
      }
    }
    (codeBytes, self.weights) = (bytes, weights)
  }
}
