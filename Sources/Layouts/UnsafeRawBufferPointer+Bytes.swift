/// The bytes of buffers that are not empty, as the kernels take them.
extension UnsafeRawBufferPointer {
  var bytes: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no bytes") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  var bytes: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no bytes") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}
