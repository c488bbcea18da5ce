extension UnsafeRawBufferPointer {
  /// The two bytes at `offset`, lowest first. The caller has checked the range.
  package func littleEndianUInt16(at offset: Int) -> UInt16 {
    UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The four bytes at `offset`, lowest first. The caller has checked the range.
  package func littleEndianUInt32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
