/// How byte-level vocabularies write a byte: as a character that can be printed
/// (`formats/tokenizers/README.md`).
enum ByteAlphabet {
  private static let table: [[UInt8]] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte in
      var value = UInt32(byte)
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: break
      default:
        value = next
        next += 1
      }
      // Two bytes at most: nothing here is beyond U+0143.
      return value < 0x80 ? [UInt8(value)] : [UInt8(0xc0 | value >> 6), UInt8(0x80 | value & 0x3f)]
    }
  }()

  /// The UTF-8 of a byte's character.
  static func utf8(of byte: UInt8) -> [UInt8] { table[Int(byte)] }
}
