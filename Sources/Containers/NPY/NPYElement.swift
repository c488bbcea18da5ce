/// An integer element type of a NumPy array file, by its `descr`.
package struct NPYElement: Equatable, Sendable {
  package let isSigned: Bool
  /// 1, 2, 4 or 8.
  package let byteCount: Int

  /// - Parameter descriptor: byte order, kind and bytes: `<i8`. One byte has no order (`|u1`), which
  ///   some writers mark as little-endian all the same. Nil for every other type.
  init?(descriptor: String) {
    let bytes = Array(descriptor.utf8)
    guard bytes.count == 3 else { return nil }
    switch bytes[1] {
    case UInt8(ascii: "i"): isSigned = true
    case UInt8(ascii: "u"): isSigned = false
    default: return nil
    }
    switch (bytes[0], bytes[2]) {
    case (UInt8(ascii: "|"), UInt8(ascii: "1")), (UInt8(ascii: "<"), UInt8(ascii: "1")):
      byteCount = 1
    case (UInt8(ascii: "<"), UInt8(ascii: "2")): byteCount = 2
    case (UInt8(ascii: "<"), UInt8(ascii: "4")): byteCount = 4
    case (UInt8(ascii: "<"), UInt8(ascii: "8")): byteCount = 8
    default: return nil
    }
  }

  /// The element at a byte; nil for a negative number and for one beyond 32 bits.
  ///
  /// - Parameter offset: where the element starts; all its bytes lie in `bytes`.
  func id(in bytes: [UInt8], at offset: Int) -> UInt32? {
    var value: UInt64 = 0
    for index in 0..<byteCount { value |= UInt64(bytes[offset + index]) << (8 * index) }
    if isSigned, value >> (8 * byteCount - 1) != 0 { return nil }
    return UInt32(exactly: value)
  }

  /// The element at a byte as an error shows it.
  func text(in bytes: [UInt8], at offset: Int) -> String {
    var value: UInt64 = 0
    for index in 0..<byteCount { value |= UInt64(bytes[offset + index]) << (8 * index) }
    guard isSigned else { return "\(value)" }
    let unused = 64 - 8 * byteCount
    return "\(Int64(bitPattern: value << unused) >> unused)"
  }
}
