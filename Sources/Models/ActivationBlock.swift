import QuernKernels

/// Rows and columns of activations from a place on.
package struct ActivationBlock: Sendable {
  fileprivate let activations: Activations
  fileprivate let row: Int
  fileprivate let column: Int

  private var start: UnsafeMutablePointer<Float>? {
    activations.values.baseAddress.map { $0 + row * activations.width + column }
  }

  private static let products = FloatProducts()

  /// out[i][j] = Σ x[i][k] · w[j][k] over k < `inner`, counted from where each block begins.
  ///
  /// - Parameters:
  ///   - xRows: rows of x, and of out that are written.
  ///   - wRows: rows of w, and columns of out that are written.
  package static func multiply(
    _ x: ActivationBlock, rows xRows: Int, _ w: ActivationBlock, rows wRows: Int, inner: Int,
    into out: ActivationBlock
  ) {
    guard let xStart = x.start, let wStart = w.start, let outStart = out.start else { return }
    products.multiply(
      x: xStart, rows: xRows, w: wStart, outputs: wRows, inner: inner, out: outStart,
      xStride: x.activations.width, wStride: w.activations.width,
      outStride: out.activations.width)
  }
}

extension Activations {
  package func block(_ row: Int = 0, _ column: Int = 0) -> ActivationBlock {
    ActivationBlock(activations: self, row: row, column: column)
  }
}
