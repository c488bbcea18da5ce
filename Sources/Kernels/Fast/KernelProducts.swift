import CKernels
import QuernQuantization

/// The products by the C kernels of one level, equal to the plain ones.
package struct KernelProducts: MatrixProducts {
  let level: RowKernels

  package init(_ level: RowKernels = .best) { self.level = level }

  package func integers(_ x: CodeMatrix, _ w: CodeMatrix, columns: Range<Int>) -> [Int32] {
    precondition(columns.lowerBound >= 0)
    precondition(columns.upperBound <= min(x.columnCount, w.columnCount))
    var shape = quern_matmul(
      rows: x.rowCount, outputs: w.rowCount, inner: columns.count, x_stride: x.columnCount,
      w_stride: w.columnCount, out_stride: w.rowCount)
    let count = x.rowCount * w.rowCount
    return [Int32](unsafeUninitializedCapacity: count) { out, initialized in
      x.codes.withUnsafeBufferPointer { x in
        w.codes.withUnsafeBufferPointer { w in
          guard let x = x.baseAddress, let w = w.baseAddress, let out = out.baseAddress else {
            return out.initialize(repeating: 0)
          }
          level.kernels.matmul_i8(&shape, x + columns.lowerBound, w + columns.lowerBound, out)
        }
      }
      initialized = count
    }
  }

  package func floats(_ x: FloatMatrix, _ w: FloatMatrix) -> FloatMatrix {
    precondition(x.columnCount == w.columnCount)
    var out = FloatMatrix(x.rowCount, w.rowCount)
    let (rowCount, outputCount, inner) = (x.rowCount, w.rowCount, x.columnCount)
    x.values.withUnsafeBufferPointer { x in
      w.values.withUnsafeBufferPointer { w in
        out.values.withUnsafeMutableBufferPointer { out in
          guard let x = x.baseAddress, let w = w.baseAddress, let out = out.baseAddress else {
            return
          }
          FloatProducts(level).multiply(
            x: x, rows: rowCount, w: w, outputs: outputCount, inner: inner, out: out)
        }
      }
    }
    return out
  }
}
