/// A metadata value of a GGUF file, with the type that is written with it.
public enum GGUFValue: Equatable, Sendable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case uint64(UInt64)
  case int64(Int64)
  case float32(Float)
  case float64(Double)
  case bool(Bool)
  case string(GGUFString)
  case array(GGUFArray)

  /// A string value from text.
  public static func text(_ text: String) -> GGUFValue { .string(GGUFString(text)) }
}

/// A homogeneous array: GGUF has no nested arrays that any model uses, and Quern refuses them.
public enum GGUFArray: Equatable, Sendable {
  case uint8([UInt8])
  case int8([Int8])
  case uint16([UInt16])
  case int16([Int16])
  case uint32([UInt32])
  case int32([Int32])
  case uint64([UInt64])
  case int64([Int64])
  case float32([Float])
  case float64([Double])
  case bool([Bool])
  case strings(GGUFStrings)
}

/// A string by its bytes: token pieces need not be UTF-8.
public struct GGUFString: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(_ text: String) { bytes = Array(text.utf8) }
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// The text, with replacement characters where the bytes are not UTF-8.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Many strings in one buffer: a vocabulary of 130,000 tokens costs its bytes, not an object each.
public struct GGUFStrings: Equatable, Sendable {
  public private(set) var bytes: [UInt8] = []
  /// End of each string in `bytes`.
  private var ends: [Int] = []

  public init() {}

  public var count: Int { ends.count }

  public subscript(index: Int) -> GGUFString {
    GGUFString(bytes: Array(self.utf8(at: index)))
  }

  /// The bytes of one string.
  public func utf8(at index: Int) -> ArraySlice<UInt8> {
    bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  public mutating func append(_ utf8: some Sequence<UInt8>) {
    bytes.append(contentsOf: utf8)
    ends.append(bytes.count)
  }
}

/// A key and its value, in the order of the file.
public struct GGUFKeyValue: Equatable, Sendable {
  public let key: String
  public let value: GGUFValue

  public init(_ key: String, _ value: GGUFValue) {
    self.key = key
    self.value = value
  }
}
