import CKernels

/// Relayout of matrices that lie transposed: weights are stored [outputs, inputs], the kernels read them
/// as [inputs, outputs]. Rows of the source are columns of the matrix then, and a run of them that
/// makes 32 bytes is a strip.
///
/// int4 comes in rows of pairs: byte row i holds columns 2i (low half) and 2i + 1.
extension FractalNZ {
  /// Rows of the source that make one strip.
  package var stripSourceRows: Int { element == .half ? 16 : 32 }

  /// Bytes of a row of the source.
  package var transposedRowByteCount: Int { element == .half ? 2 * rowCount : rowCount }

  /// Rows of the source of one matrix.
  package var transposedRowCount: Int { element == .int4 ? columnCount / 2 : columnCount }

  /// Where the strip that begins with a row of the source lies, in bytes.
  package func stripOffset(sourceRow: Int, matrix: Int = 0) -> Int {
    matrix * matrixByteCount + sourceRow / stripSourceRows * stripStride
  }

  /// Relays rows of the source that begin at a multiple of `stripSourceRows` and end at one or at the
  /// last row. `strips` are `stripStride` bytes for each strip, and belong at `stripOffset`.
  package func relayStrips(
    _ rows: UnsafeRawBufferPointer, into strips: UnsafeMutableRawBufferPointer
  ) {
    let count = rows.count / transposedRowByteCount
    precondition(rows.count == count * transposedRowByteCount)
    precondition(strips.count == (count + stripSourceRows - 1) / stripSourceRows * stripStride)
    for first in stride(from: 0, to: count, by: stripSourceRows) {
      quern_nz_from_columns(
        rows.bytes + first * transposedRowByteCount, transposedRowByteCount,
        min(stripSourceRows, count - first), rowCount, element == .half ? 2 : 1,
        strips.bytes + first / stripSourceRows * stripStride)
    }
  }

  /// The transposes of all matrices to NZ: every byte of `output` is written.
  package func relayTransposed(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) {
    let sourceCount = transposedRowCount * transposedRowByteCount
    precondition(input.count == matrixCount * sourceCount && output.count == byteCount)
    for matrix in 0..<matrixCount {
      relayStrips(
        UnsafeRawBufferPointer(rebasing: input[matrix * sourceCount..<(matrix + 1) * sourceCount]),
        into: UnsafeMutableRawBufferPointer(
          rebasing: output[matrix * matrixByteCount..<(matrix + 1) * matrixByteCount]))
    }
  }

  /// NZ to the transposes.
  ///
  /// - Throws: `LayoutError.padding` where padding is not zero.
  package func restoreTransposed(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(LayoutError) {
    let sourceCount = transposedRowCount * transposedRowByteCount
    precondition(input.count == byteCount && output.count == matrixCount * sourceCount)
    for matrix in 0..<matrixCount {
      for first in stride(from: 0, to: transposedRowCount, by: stripSourceRows) {
        let offset = stripOffset(sourceRow: first, matrix: matrix)
        let bad = quern_columns_from_nz(
          input.bytes + offset, transposedRowByteCount,
          min(stripSourceRows, transposedRowCount - first), rowCount, element == .half ? 2 : 1,
          output.bytes + matrix * sourceCount + first * transposedRowByteCount)
        if bad >= 0 { throw .padding(byteOffset: offset + bad) }
      }
    }
  }
}
