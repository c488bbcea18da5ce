import CKernels
import QuernQuantization

/// Products of float32 matrices in memory that the caller owns, by the C kernels of one level.
///
/// Every result depends on the rows that it is made of alone: however a matrix is cut into slices of
/// rows or shared among threads, the bits are the same. No call allocates; each needs 200 KB of stack.
package struct FloatProducts: Sendable {
  let level: RowKernels

  package init(_ level: RowKernels = .best) { self.level = level }

  /// out[m][n] = Σ x[m][k] · w[n][k], in the sixteen lanes of `quern_kernels.matmul_f32`.
  ///
  /// `x` is [rows, inner], `w` [outputs, inner], `out` [rows, outputs]; strides are elements from a row
  /// to the next, `inner` or `outputs` where they are nil.
  package func multiply(
    x: UnsafePointer<Float>, rows: Int, w: UnsafePointer<Float>, outputs: Int, inner: Int,
    out: UnsafeMutablePointer<Float>, xStride: Int? = nil, wStride: Int? = nil,
    outStride: Int? = nil
  ) {
    precondition(rows >= 0 && outputs >= 0 && inner >= 0)
    var shape = quern_matmul(
      rows: rows, outputs: outputs, inner: inner, x_stride: xStride ?? inner,
      w_stride: wStride ?? inner, out_stride: outStride ?? outputs)
    level.kernels.matmul_f32(&shape, x, w, out)
  }

  /// The columns of the widest Gram matrix.
  package static let widestGram = Int(QUERN_GRAM_COLUMNS)

  /// sums[i][j] += Σ x[r][i] · x[r][j] for i ≤ j: the upper triangle of [columns, columns]. What is
  /// below it stays as it is.
  ///
  /// `x` is [rows, columns] with rows `stride` elements apart. The sums do not depend on how rows are
  /// shared among calls where every call but the last has a multiple of 64.
  package func addGram(
    x: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    precondition(rows >= 0 && (0...Self.widestGram).contains(columns))
    level.kernels.gram_f32(x, stride, rows, columns, sums)
  }

  /// Runs `rounds` of multiply-adds that wait for nothing but their own chain and returns how many
  /// they were: what the fastest product could do in the same time on one thread.
  package func runMultiplyAdds(rounds: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Int(QUERN_FMA_CHAINS)) { chains in
      chains.initialize(repeating: 0)
      return level.kernels.fma_chains(rounds, chains.baseAddress)
    }
  }
}
