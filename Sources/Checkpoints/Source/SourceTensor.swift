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
  /// A single F32 that scales are to be divided by: the scale of the activations, where scales are
  /// stored as products with it.
  package var scaleDivisor: StoredTensor?
  /// Where code 0 does not stand for 0. Only zeros can be read: what has others is refused when its
  /// rows are.
  package var offset: StoredTensor?
  /// Tensors that a runtime needs with the weight, and its values do not depend on.
  package var companions: [StoredTensor] = []
  /// What codes of integers are multiplied with; of no meaning for other encodings.
  package var activations = SourceActivations.floats

  /// Bytes of the codes of some rows; 0 where there are no rows, which then may claim any length.
  package func codeByteCount(rows: Int) -> Int {
    shape.rowCount == 0 ? 0 : encoding.codeByteCount(rows: rows, rowLength: shape.rowLength)
  }

  /// Bytes of one row of codes, rounded down where rows share bytes.
  package var rowByteCount: Int {
    codeByteCount(rows: encoding.rowGranule) / encoding.rowGranule
  }

  /// Everything that is stored of it.
  package var stored: [StoredTensor] {
    [codes] + [scale, scaleDivisor, offset].compactMap { $0 } + companions
  }

  /// Bytes of everything that is stored of it.
  package var byteCount: Int { stored.reduce(0) { $0 + $1.range.byteCount } }

  /// Bytes of one row of scales, 0 without.
  package var scaleRowByteCount: Int {
    guard let scale, scale.shape.rowCount > 0 else { return 0 }
    return scale.shape.rowLength * scale.elementType.bitWidth / 8
  }

  /// Rows of codes that share one row of scales.
  package var rowsPerScaleRow: Int {
    switch encoding {
    case .fp8(_, _, let blockRows, _): blockRows
    case .integers: scale?.shape.rowCount == 1 ? max(1, shape.rowCount) : 1
    case .blocks: max(1, shape.rowCount / max(1, scale?.shape.rowCount ?? 1))
    case .plain, .fp4: 1
    }
  }

  /// Rows that a chunk must not separate: those of one FP8 block, so that scales are read once, and
  /// those that share bytes.
  package var rowGranule: Int {
    if case .fp8(_, _, let blockRows, _) = encoding { blockRows } else { encoding.rowGranule }
  }
}
