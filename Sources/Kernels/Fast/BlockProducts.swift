import CKernels
import QuernQuantization

/// Products of weights as they are stored with rounded activations, by the C kernels of one level:
/// what llama.cpp's CPU backend computes, but for the order in which float32 numbers are added.
///
/// Every result depends on the rows that it is made of alone.
package struct BlockProducts: Sendable {
  let level: RowKernels

  package init(_ level: RowKernels = .best) { self.level = level }

  /// out[m][n] = Σ x[m][k] · w[n][k] for rows of weights that follow each other in `weights`; `out` has
  /// rows `outStride` elements apart, or `outputs` where it is nil.
  ///
  /// - Throws: `KernelError` where the activations are not rounded as the format of the weights
  ///   requires, rows are no whole blocks, or the bytes are not those of that many rows.
  package func multiply(
    _ x: RoundedRows, weights: UnsafeRawBufferPointer, format: NumberFormat, outputs: Int,
    out: UnsafeMutablePointer<Float>, outStride: Int? = nil
  ) throws(KernelError) {
    guard format.activationRounding == x.rounding else {
      throw .rounding(found: x.rounding, weights: format)
    }
    guard let rowBytes = format.byteCount(elements: x.columnCount) else {
      throw .blocks(columns: x.columnCount, of: format.blockElements)
    }
    try KernelError.check("bytes of weights", weights.count, expected: outputs, times: rowBytes)
    let target = Target(out: out, stride: outStride ?? outputs)
    let rows = StoredRows(bytes: weights, format: format, count: outputs, rowBytes: rowBytes)
    switch x.content {
    case .values(let values): multiply(values, x, rows, target)
    case .codes(let codes): multiply(codes, columns: x.columnCount, rows, target)
    }
  }

  /// Rows of weights, one after the other.
  private struct StoredRows {
    let bytes: UnsafeRawBufferPointer
    let format: NumberFormat
    let count: Int
    let rowBytes: Int

    /// How many are decoded at a time: what the second cache has room for.
    var atOnce: Int { min(count, 32) }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(
        rebasing: bytes[range.lowerBound * rowBytes..<range.upperBound * rowBytes])
    }
  }

  private struct Target {
    let out: UnsafeMutablePointer<Float>
    let stride: Int
  }

  private func multiply(_ x: CodeRows, columns: Int, _ w: StoredRows, _ target: Target) {
    guard let format = w.format.codeFormat else {
      preconditionFailure("\(w.format.rawValue) has no codes")
    }
    let room = CodeRows(rows: w.atOnce, columns: columns, hasOffsets: quern_has_offsets(format))
    for first in stride(from: 0, to: w.count, by: max(1, w.atOnce)) {
      var (left, right) = (x.pointers, room.pointers)
      right.rows = min(w.atOnce, w.count - first)
      let bytes = w.slice(first..<first + right.rows)
      for row in 0..<right.rows {
        guard let start = bytes.baseAddress else { break }
        let blocks = (start + row * w.rowBytes).assumingMemoryBound(to: UInt8.self)
        quern_codes_from_blocks(format, blocks, columns, right, row)
      }
      level.kernels.multiply_codes(&left, &right, target.out + first, target.stride)
    }
  }

  private func multiply(
    _ values: [Float], _ x: RoundedRows, _ w: StoredRows, _ target: Target
  ) {
    var room = [Float](repeating: 0, count: w.atOnce * x.columnCount)
    for first in stride(from: 0, to: w.count, by: max(1, w.atOnce)) {
      let count = min(w.atOnce, w.count - first)
      room.withUnsafeMutableBufferPointer { room in
        let rows = UnsafeMutableBufferPointer(rebasing: room[..<(count * x.columnCount)])
        level.decode(w.format, w.slice(first..<first + count), into: rows)
        guard let weights = rows.baseAddress else { return }
        FloatProducts(level).multiply(
          x: values, rows: x.rowCount, w: weights, outputs: count, inner: x.columnCount,
          out: target.out + first, outStride: target.stride)
      }
    }
  }
}
