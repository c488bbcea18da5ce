import QuernTensors

/// A tensor as a file stores it.
package struct StoredTensor: Hashable, Sendable {
  package let name: TensorName
  package let elementType: ElementType
  package let shape: Shape
  /// Which of the checkpoint's files.
  package let file: Int
  package let range: ByteRange

  package init(
    name: TensorName, elementType: ElementType, shape: Shape, file: Int, range: ByteRange
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.file = file
    self.range = range
  }
}

/// A tensor with the scales that belong to it: what a model means by a name.
package struct SourceTensor: Hashable, Sendable {
  package let name: TensorName
  package let encoding: SourceEncoding
  /// Values per dimension, not stored elements: packed FP4 counts both nibbles.
  package let shape: Shape
  package let codes: StoredTensor
  package var scale: StoredTensor?

  /// Bytes of one row of codes; 0 where there are no rows, which then may claim any length.
  package var rowByteCount: Int {
    shape.rowCount == 0 ? 0 : encoding.rowByteCount(rowLength: shape.rowLength)
  }

  /// Bytes of codes and scales.
  package var byteCount: Int { codes.range.byteCount + (scale?.range.byteCount ?? 0) }

  /// Bytes of one row of scales, 0 without.
  package var scaleRowByteCount: Int {
    guard let scale, scale.shape.rowCount > 0 else { return 0 }
    return scale.shape.rowLength * scale.elementType.bitWidth / 8
  }

  /// Rows of codes that share one row of scales.
  package var rowsPerScaleRow: Int {
    if case .fp8(_, _, let blockRows, _) = encoding { blockRows } else { 1 }
  }
}
