/// A run of bytes in a file.
public struct ByteRange: Hashable, Sendable {
  public let offset: Int
  public let byteCount: Int

  public init(offset: Int, byteCount: Int) {
    self.offset = offset
    self.byteCount = byteCount
  }

  public var end: Int { offset + byteCount }
}
