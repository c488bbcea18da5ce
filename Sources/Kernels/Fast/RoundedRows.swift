import CKernels
import QuernTensors

/// Rows of activations, rounded once for all the weights that they meet.
package struct RoundedRows: Sendable {
  package let rounding: ActivationRounding
  package let rowCount: Int
  package let columnCount: Int
  let content: Content

  enum Content: Sendable {
    /// Float32 values that the type of 16 bits holds.
    case values([Float])
    case codes(CodeRows)
  }

  /// Rounds `values`, [rows, columns] with rows `stride` elements apart.
  ///
  /// Values that are not finite make the products that they enter infinite or NaN.
  ///
  /// - Throws: `KernelError.blocks` where the columns are no whole blocks of the rounding.
  package init(
    _ values: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil,
    to rounding: ActivationRounding
  ) throws(KernelError) {
    precondition(rows >= 0 && columns >= 0)
    guard columns % rounding.blockElements == 0 else {
      throw .blocks(columns: columns, of: rounding.blockElements)
    }
    (self.rounding, rowCount, columnCount) = (rounding, rows, columns)
    let stride = stride ?? columns
    content =
      switch rounding {
      case .f32: .values(Self.copy(values, rows, columns, stride) { $0 })
      case .f16: .values(Self.copy(values, rows, columns, stride, HalfType.f16.rounded))
      case .bf16: .values(Self.copy(values, rows, columns, stride, HalfType.bf16.rounded))
      case .q8_0: .codes(Self.codes(QUERN_ACTIVATIONS_Q8_0, values, rows, columns, stride))
      case .q8_1: .codes(Self.codes(QUERN_ACTIVATIONS_Q8_1, values, rows, columns, stride))
      case .q8_k: .codes(Self.codes(QUERN_ACTIVATIONS_Q8_K, values, rows, columns, stride))
      }
  }

  private static func copy(
    _ values: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ stride: Int,
    _ rounded: (Float) -> Float
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * columns) { copy, initialized in
      for row in 0..<rows {
        for column in 0..<columns {
          copy[row * columns + column] = rounded(values[row * stride + column])
        }
      }
      initialized = rows * columns
    }
  }

  private static func codes(
    _ format: quern_activation_format, _ values: UnsafePointer<Float>, _ rows: Int, _ columns: Int,
    _ stride: Int
  ) -> CodeRows {
    let codes = CodeRows(rows: rows, columns: columns, hasOffsets: true)
    for row in 0..<rows {
      quern_codes_from_activations(format, values + row * stride, columns, codes.pointers, row)
    }
    return codes
  }
}
