import QuernTensors

/// One stored tensor of an output tensor: the only one where values are numbers or blocks, one of
/// several where codes, scales and more are kept apart.
///
/// Every part is cut along the rows of the output tensor, so that a chunk writes one range of each.
package struct StoredPart: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    /// Numbers or blocks.
    case values
    /// Integer codes, packed.
    case codes
    /// One for each group.
    case scales
    /// F32 zeros, one for each row: the offsets of symmetric codes.
    case zeroOffsets
    /// 8·Σ q·s over each of so many equal runs of a row's columns: what the runtime adds because it
    /// splits activations x into 16·hi + lo + 8.
    case splitCorrection(runs: Int)
    /// Input scale · weight scale, one for each row.
    case productScales
    /// −input offset · Σ q as I32, one for each row.
    case offsetCorrection
    /// The codes once more, as the matrix [columns, rows] in FRACTAL_NZ.
    case fractalNZ
  }

  /// Which files of an output a part is in.
  package enum Home: Hashable, Sendable {
    case weights
    /// Beside them, for programs that call the kernels themselves.
    case relayout
  }

  package let name: String
  /// Nil for blocks of GGUF, which have no type among safetensors'.
  package let elementType: ElementType?
  package let shape: Shape
  package let content: Content
  /// Bytes of one row, or of the rows that cannot be separated.
  private let unitByteCount: Int
  package let rowsPerUnit: Int
  private let rowCount: Int

  /// - Parameters:
  ///   - rowCount: rows of the output tensor.
  ///   - unitByteCount: bytes of `rowsPerUnit` of them; as many where the last are fewer.
  package init(
    name: String, elementType: ElementType?, shape: Shape, content: Content, rowCount: Int,
    unitByteCount: Int, rowsPerUnit: Int = 1
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.content = content
    self.rowCount = rowCount
    self.unitByteCount = unitByteCount
    self.rowsPerUnit = rowsPerUnit
  }

  package var byteCount: Int { byteCount(rows: rowCount) }

  package var home: Home { content == .fractalNZ ? .relayout : .weights }

  /// Bytes of the first rows of the output tensor: a multiple of those that cannot be separated, or
  /// all there are.
  package func byteCount(rows: Int) -> Int {
    (rows / rowsPerUnit + (rows % rowsPerUnit == 0 ? 0 : 1)) * unitByteCount
  }
}
