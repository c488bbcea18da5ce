import CKernels

/// A row on the FP4 grid as checkpoints store it: packed codes, element 2j in the low half of
/// byte j, and one E8M0 byte for every 32 elements.
package struct GridRow {
  package let packed: UnsafeBufferPointer<UInt8>
  package let scales: UnsafeBufferPointer<UInt8>

  package init(packed: UnsafeBufferPointer<UInt8>, scales: UnsafeBufferPointer<UInt8>) {
    precondition(packed.count == 16 * scales.count)
    self.packed = packed
    self.scales = scales
  }

  package var count: Int { 32 * scales.count }
}

extension RowKernels {
  /// out[i] = table[codes[i]] · scales[i / scaleBlock]; the table has 256 entries.
  package func decodeFP8(
    _ codes: UnsafeBufferPointer<UInt8>, table: UnsafeBufferPointer<Float>,
    scales: UnsafeBufferPointer<Float>, scaleBlock: Int,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(codes.count == values.count && table.count == 256 && scaleBlock > 0)
    precondition(scales.count * scaleBlock >= codes.count)
    guard let codes = codes.baseAddress, let out = values.baseAddress else { return }
    kernels.f32_from_fp8(
      codes, table.baseAddress, scales.baseAddress, scaleBlock, out, values.count)
  }

  package func decode(_ row: GridRow, into values: UnsafeMutableBufferPointer<Float>) {
    precondition(values.count == row.count)
    guard let out = values.baseAddress else { return }
    kernels.f32_from_e2m1(row.packed.baseAddress, row.scales.baseAddress, out, row.count)
  }

  /// Encodes from the grid: exactly where the format can hold the row, otherwise with the least
  /// weighted squared error that the grid offers.
  ///
  /// - Parameter weights: one finite value ≥ 0 for each element, or nil where all count the same.
  package func encode(
    _ format: NumberFormat, _ row: GridRow, weights: UnsafeBufferPointer<Float>? = nil,
    into bytes: UnsafeMutableBufferPointer<UInt8>
  ) {
    precondition(format.byteCount(elements: row.count) == bytes.count)
    precondition(weights == nil || weights?.count == row.count)
    guard let block = block(format), let out = bytes.baseAddress else { return }
    block.from_e2m1(
      row.packed.baseAddress, row.scales.baseAddress, weights?.baseAddress, out, row.count)
  }

  /// Adds the comparison of two rows to `sums`; `position` is the index in the chunk of their
  /// first element.
  package func compare(
    _ source: UnsafeBufferPointer<Float>, _ output: UnsafeBufferPointer<Float>, position: Int,
    into sums: inout quern_comparison
  ) {
    precondition(source.count == output.count)
    guard let source = source.baseAddress, let base = output.baseAddress else { return }
    kernels.compare(source, base, position, output.count, &sums)
  }

  /// Compares a grid row with its encoding as integers. When every value is equal, adds what
  /// `compare` would have added and returns true; otherwise, and for formats without this
  /// comparison, leaves `sums` alone and returns false.
  package func compareExactly(
    _ row: GridRow, _ format: NumberFormat, _ bytes: UnsafeBufferPointer<UInt8>, position: Int,
    into sums: inout quern_comparison
  ) -> Bool {
    precondition(format.byteCount(elements: row.count) == bytes.count && position % 16 == 0)
    guard let blocks = bytes.baseAddress else { return true }
    let (packed, scales) = (row.packed.baseAddress, row.scales.baseAddress)
    switch format {
    case .mxfp4:
      return kernels.compare_e2m1_mxfp4(packed, scales, blocks, position, row.count, &sums)
    case .q8_0:
      return kernels.compare_e2m1_q8_0(packed, scales, blocks, position, row.count, &sums)
    default: return false
    }
  }

  /// Compares a grid row with integers that have one scale. When every value is equal, adds what
  /// `compare` would have added and returns true; otherwise leaves `sums` alone and returns false.
  package func compareExactly(
    _ row: GridRow, _ codes: UnsafeBufferPointer<Int8>, scale: Float, position: Int,
    into sums: inout quern_comparison
  ) -> Bool {
    precondition(codes.count == row.count && position % 16 == 0)
    guard let base = codes.baseAddress else { return true }
    return kernels.compare_e2m1_integers(
      row.packed.baseAddress, row.scales.baseAddress, base, scale, position, row.count, &sums)
  }
}
