import QuernCheckpoints
import QuernContainers
import QuernTensors

extension SourceTensor {
  /// What a runtime needs with the weight, by the last part of its name.
  func companion(_ suffix: String) -> StoredTensor? {
    companions.first { $0.name.text.hasSuffix("." + suffix) }
  }
}

extension ModelWeights {
  /// The only number of a tensor that belongs to integer weights.
  func number(_ tensor: StoredTensor) throws(ModelError) -> Float {
    try bytes(tensor).withUnsafeBytes { bytes in
      tensor.elementType == .i8
        ? Float(Int8(bitPattern: bytes[0])) : bytes.scale(tensor.elementType, at: 0)
    }
  }

  /// Some rows of a tensor that belongs to integer weights; nil for all.
  func bytes(_ tensor: StoredTensor, rows: Range<Int>? = nil) throws(ModelError) -> [UInt8] {
    let rowBytes = tensor.range.byteCount / max(1, tensor.shape.dimensions.first ?? 1)
    let range = rows.map {
      ByteRange(
        offset: tensor.range.offset + $0.lowerBound * rowBytes, byteCount: $0.count * rowBytes)
    }
    do throws(FileError) {
      return try pool.file(at: checkpoint.files[tensor.file].path)
        .bytes(in: range ?? tensor.range)
    } catch { throw .file(error) }
  }
}
