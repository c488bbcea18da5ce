import CKernels

/// What one thread rounds rows in: about 200 KB, allocated once.
package final class GPTQWorkspace {
  let pointer: UnsafeMutablePointer<quern_gptq_workspace>

  package static let byteCount = MemoryLayout<quern_gptq_workspace>.size
  /// Rows that are rounded at once.
  package static let rowCount = Int(QUERN_GPTQ_ROWS)

  package init() {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: quern_gptq_workspace())
  }

  deinit { pointer.deallocate() }
}
