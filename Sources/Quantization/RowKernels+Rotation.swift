/// Rotations by a Hadamard matrix, the same on every level: `formats/rotation`.
extension RowKernels {
  /// Elements of a block.
  package static let rotationBlock = 32

  /// Multiplies each column by its gain, where there are any, then turns every 32 columns of each row.
  ///
  /// - Parameters:
  ///   - values: whole rows of finite values.
  ///   - rowLength: a multiple of 32.
  ///   - gains: one for each column.
  package func rotateColumns(
    _ values: UnsafeMutableBufferPointer<Float>, rowLength: Int, gains: [Float]?
  ) {
    precondition(rowLength > 0 && rowLength % Self.rotationBlock == 0)
    precondition(values.count % rowLength == 0 && gains?.count ?? rowLength == rowLength)
    guard let base = values.baseAddress else { return }
    guard let gains else { return kernels.rotate_columns(base, nil, rowLength, values.count) }
    gains.withUnsafeBufferPointer {
      kernels.rotate_columns(base, $0.baseAddress, rowLength, values.count)
    }
  }

  /// Turns every 32 rows.
  ///
  /// - Parameter values: finite values of whole rows, whose number is a multiple of 32.
  package func rotateRows(_ values: UnsafeMutableBufferPointer<Float>, rowLength: Int) {
    precondition(rowLength > 0 && values.count % (Self.rotationBlock * rowLength) == 0)
    guard let base = values.baseAddress else { return }
    kernels.rotate_rows(base, rowLength, values.count)
  }
}
