import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Some rows of a matrix of integers: the bytes of each of its parts.
struct StoredRows {
  let tensor: CheckedTensor
  let storage: IntegerStorage
  /// Of the tensor.
  let rows: Range<Int>
  /// One for each part.
  let bytes: [[UInt8]]

  init(
    _ tensor: CheckedTensor, _ storage: IntegerStorage, rows: Range<Int>, files: [InputFile]
  ) throws(FileError) {
    (self.tensor, self.storage, self.rows) = (tensor, storage, rows)
    var all: [[UInt8]] = []
    for part in tensor.parts {
      let first = part.stored.byteCount(rows: rows.lowerBound)
      all.append(
        try files[part.file].bytes(
          in: ByteRange(
            offset: part.offset + first,
            byteCount: part.stored.byteCount(rows: rows.upperBound) - first)))
    }
    bytes = all
  }

  var byteCount: Int { bytes.reduce(0) { $0 + $1.count } }

  /// Codes and scales of some of the rows, counted from the first, whole granules of them.
  func tile(_ tile: Range<Int>) -> IntegerTile {
    var result = IntegerTile(
      storage: storage, rowCount: tile.count, rowLength: tensor.rowLength)
    forEachPart(tile) { part, bytes in
      switch part.content {
      case .codes: result.readCodes(bytes)
      case .scales: result.readScales(bytes, part.elementType ?? .f32)
      case .productScales:
        result.readScales(bytes, part.elementType ?? .f32)
        let input = tensor.input?.scale ?? 1
        for index in result.scales.indices { result.scales[index] /= input }
      case .values, .zeroOffsets, .splitCorrection, .offsetCorrection, .fractalNZ: break
      }
    }
    return result
  }

  /// The codes once more in FRACTAL_NZ, of all rows.
  var relaid: (part: StoredPart, bytes: [UInt8])? {
    tensor.parts.indices.first { tensor.parts[$0].stored.content == .fractalNZ }.map {
      (tensor.parts[$0].stored, bytes[$0])
    }
  }

  /// The bytes of some of the rows in every part that has rows of its own.
  func forEachPart(
    _ tile: Range<Int>, _ body: (StoredPart, UnsafeRawBufferPointer) -> Void
  ) {
    for (part, bytes) in zip(tensor.parts, bytes) where part.stored.content != .fractalNZ {
      let start = part.stored.byteCount(rows: tile.lowerBound)
      let end = part.stored.byteCount(rows: tile.upperBound)
      bytes.withUnsafeBytes { body(part.stored, UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }
  }
}
