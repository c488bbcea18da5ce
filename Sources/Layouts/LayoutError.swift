/// Why a matrix has no such layout, or bytes are not in it.
package enum LayoutError: Error, Equatable, Sendable {
  /// Dimensions that are not positive, or whose bytes do not fit an integer.
  case size(rows: Int, columns: Int, matrices: Int)
  /// An odd number of columns, where two share a byte.
  case oddColumns(Int)
  /// Padding that is not zero, at an offset in the bytes of all matrices.
  case padding(byteOffset: Int)
}

extension LayoutError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .size(let rows, let columns, let matrices):
      "FRACTAL_NZ: [\(matrices), \(rows), \(columns)] found, expected dimensions above 0 whose bytes "
        + "fit"
    case .oddColumns(let columns):
      "FRACTAL_NZ: \(columns) columns of int4 found, expected an even number"
    case .padding(let offset):
      "FRACTAL_NZ: a byte of padding at \(offset) is not zero"
    }
  }
}
