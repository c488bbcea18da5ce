import CKernels

/// Relayout of matrices by their rows.
extension FractalNZ {
  /// Bytes that a run of rows fills in each strip: those of whole blocks.
  package func runByteCount(rows: Int) -> Int {
    (rows + Self.blockRows - 1) / Self.blockRows * Self.blockByteCount
  }

  /// Where the run of rows that begins at `row`, a multiple of 16, lies in a strip of a matrix, in bytes
  /// from the beginning of the first matrix.
  package func runOffset(row: Int, strip: Int, matrix: Int = 0) -> Int {
    matrix * matrixByteCount + strip * stripStride + row * Self.stripByteCount
  }

  /// Relays a run of rows that begins at a multiple of 16 and ends at one or at the last row.
  ///
  /// - Parameters:
  ///   - rows: the rows, one after the other.
  ///   - runs: for each strip what the rows fill of it, one after the other: `runByteCount` bytes each,
  ///     which belong at `runOffset`.
  package func relayRun(_ rows: UnsafeRawBufferPointer, into runs: UnsafeMutableRawBufferPointer) {
    let count = rows.count / rowByteCount
    let stride = runByteCount(rows: count)
    precondition(rows.count == count * rowByteCount && runs.count == stripCount * stride)
    quern_nz_from_rows(rows.bytes, rowByteCount, count, runs.bytes, stride)
  }

  /// ND to NZ, all matrices: every byte of `output` is written.
  package func relay(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
    precondition(input.count == matrixCount * sourceByteCount && output.count == byteCount)
    for matrix in 0..<matrixCount {
      quern_nz_from_rows(
        input.bytes + matrix * sourceByteCount, rowByteCount, rowCount,
        output.bytes + matrix * matrixByteCount, stripStride)
    }
  }

  /// NZ to ND, all matrices.
  ///
  /// - Throws: `LayoutError.padding` where padding is not zero.
  package func restore(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
    throws(LayoutError)
  {
    precondition(input.count == byteCount && output.count == matrixCount * sourceByteCount)
    for matrix in 0..<matrixCount {
      let bad = quern_rows_from_nz(
        input.bytes + matrix * matrixByteCount, stripStride, rowByteCount, rowCount,
        output.bytes + matrix * sourceByteCount)
      if bad >= 0 { throw .padding(byteOffset: matrix * matrixByteCount + bad) }
    }
  }
}
