extension IntegerGroups {
  /// Codes of four bits in two's complement, two to a byte: the first in the low half.
  ///
  /// Nil when there is an odd number of codes, or one outside −8 … 7.
  public static func packed(_ codes: [Int8]) -> [UInt8]? {
    guard codes.count % 2 == 0, codes.allSatisfy({ (-8...7).contains($0) }) else { return nil }
    return stride(from: 0, to: codes.count, by: 2).map { index in
      UInt8(bitPattern: codes[index]) & 15 | UInt8(bitPattern: codes[index + 1]) << 4
    }
  }

  /// The codes of packed bytes.
  public static func unpacked(_ bytes: [UInt8]) -> [Int8] {
    bytes.flatMap { byte in
      [Int8(bitPattern: byte << 4) >> 4, Int8(bitPattern: byte) >> 4]
    }
  }
}
