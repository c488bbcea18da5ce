import QuernCheckpoints
import QuernContainers
import QuernVerification

extension EncodingSignal {
  /// Weights of a checkpoint's matrices, read in their order and cut into rows of `rowLength`
  /// whatever the length of their own rows, so that every format can take them.
  ///
  /// - Parameter rows: rows at most; matrices are cut short evenly where there are more.
  /// - Throws: `CheckpointError` or `FileError`; `CommandFailure` where there is not one row.
  static func weights(of folder: String, name: String, rows: Int) throws -> EncodingSignal {
    let checkpoint = try Checkpoint.open(folder, environment: [:])
    let matrices = checkpoint.tensors.filter {
      $0.encoding.isFloatingPoint && $0.shape.dimensions.count > 1 && $0.shape.elementCount > 0
    }
    let total = matrices.reduce(0.0) { $0 + Double($1.shape.elementCount) }
    let share = min(1, Double(rows * rowLength) / total)
    var values: [Float] = []
    let pool = FilePool()
    for matrix in matrices {
      let rowCount = min(
        matrix.shape.rowCount, Int((share * Double(matrix.shape.rowCount)).rounded(.up)))
      values += try decoded(matrix, rowCount: rowCount, checkpoint, pool)
    }
    values.removeLast(values.count - min(rows, values.count / rowLength) * rowLength)
    guard !values.isEmpty else {
      throw CommandFailure(
        status: .data,
        description: "\(folder): found \(Int(total)) weights in matrices, "
          + "expected at least \(rowLength)")
    }
    return EncodingSignal(name: name, values: values)
  }

  private static func decoded(
    _ matrix: SourceTensor, rowCount: Int, _ checkpoint: Checkpoint, _ pool: FilePool
  ) throws -> [Float] {
    let run = try SourceRun(
      matrix, firstRow: 0, rowCount: rowCount, column: 0, checkpoint: checkpoint, pool: pool)
    let rowLength = matrix.shape.rowLength
    return [Float](unsafeUninitializedCapacity: rowCount * rowLength) { values, initialized in
      for row in 0..<rowCount {
        run.decode(
          row: row,
          into: UnsafeMutableBufferPointer(
            rebasing: values[row * rowLength..<(row + 1) * rowLength]))
      }
      initialized = rowCount * rowLength
    }
  }
}
