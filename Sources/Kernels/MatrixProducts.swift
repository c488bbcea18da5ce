/// The products of matrices that the kernels are built on: rows by rows, as weights lie in files.
package protocol MatrixProducts: Sendable {
  /// Σ x[token][k] · w[output][k] over the columns k, modulo 2^32: [tokens, outputs], row by row.
  ///
  /// How the accumulators of the hardware overflow is not documented. No sum of fewer than 131,072
  /// products of int8 does.
  func integers(_ x: CodeMatrix, _ w: CodeMatrix, columns: Range<Int>) -> [Int32]

  /// Σ x[token][k] · w[output][k] in float32, in the sixteen lanes of `quern_kernels.matmul_f32`.
  ///
  /// The order in which the hardware adds is not documented: another one gives other last digits.
  func floats(_ x: FloatMatrix, _ w: FloatMatrix) -> FloatMatrix
}
