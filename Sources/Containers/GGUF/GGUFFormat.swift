/// Numbers and limits of the format, as `formats/containers/gguf/README.md` describes them.
enum GGUFFormat {
  static let magic: [UInt8] = Array("GGUF".utf8)
  /// Version 2 differs from 3 in nothing but the number.
  static let readableVersions: ClosedRange<UInt32> = 2...3
  static let writtenVersion: UInt32 = 3

  static let alignmentKey = "general.alignment"
  static let defaultAlignment = 32

  /// ggml holds a name in 64 bytes with a NUL at its end.
  static let maximumNameByteCount = 63
  static let maximumRank = 4
  static let maximumStringByteCount = 1 << 30
  static let maximumArrayCount = 1 << 30

  /// The smallest key and value: a one-byte key with a one-byte value.
  static let minimumKeyValueByteCount = 8 + 1 + 4 + 1
  /// The smallest tensor entry: no name, no dimensions.
  static let minimumTensorByteCount = 8 + 4 + 4 + 8

  /// Numbers of the value types.
  enum ValueType: UInt32 {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
    case uint64, int64, float64
  }

  /// The next multiple of a power of two, or nil when it does not fit.
  static func padded(_ byteCount: Int, to alignment: Int) -> Int? {
    let (sum, overflow) = byteCount.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
  }

  /// An alignment as the metadata gives it, or nil when it is none.
  static func alignment(from value: GGUFValue) -> Int? {
    guard case .uint32(let alignment) = value, alignment.nonzeroBitCount == 1 else { return nil }
    return Int(alignment)
  }
}
