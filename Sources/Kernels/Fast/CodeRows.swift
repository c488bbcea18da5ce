import CKernels

/// Memory for rows that are taken apart into codes, scales, and offsets or sums.
///
/// Whoever makes one fills it; from then on it is only read.
final class CodeRows: @unchecked Sendable {
  let pointers: quern_code_rows
  private let memory: UnsafeMutableRawPointer

  init(rows: Int, columns: Int, hasOffsets: Bool) {
    let stride = quern_code_stride(columns)
    let (codeBytes, scaleBytes) = (rows * stride, rows * stride / Int(QUERN_CODE_GROUP) * 4)
    let offsetBytes = hasOffsets ? rows * quern_offset_stride(stride) * 4 : 0
    memory = .allocate(byteCount: codeBytes + scaleBytes + offsetBytes, alignment: 64)
    let offsets = memory + codeBytes + scaleBytes
    pointers = quern_code_rows(
      rows: rows, stride: stride, codes: memory.assumingMemoryBound(to: Int8.self),
      scales: (memory + codeBytes).assumingMemoryBound(to: Float.self),
      offsets: hasOffsets ? offsets.assumingMemoryBound(to: Float.self) : nil)
  }

  deinit { memory.deallocate() }
}
