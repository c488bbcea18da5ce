/// Reads the fields of one protobuf message in order, without knowing its schema.
///
/// Every length is checked against the message that holds it before it is used.
struct ProtobufReader {
  enum Payload: Equatable {
    case varint(UInt64)
    case fixed64(UInt64)
    /// Where the bytes of a string or nested message are.
    case bytes(Range<Int>)
    case fixed32(UInt32)
  }

  private let bytes: [UInt8]
  private let file: String
  private let end: Int
  private(set) var position: Int

  /// - Parameter range: where the message is in `bytes`; must lie inside.
  init(_ bytes: [UInt8], range: Range<Int>, file: String) {
    self.bytes = bytes
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field's number and payload, or nil at the end of the message.
  mutating func nextField() throws(TokenizerError) -> (number: UInt64, payload: Payload)? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint()
    guard (1..<(1 << 29)).contains(tag >> 3) else {
      throw error(at: start, found: "field number \(tag >> 3)", expected: "1 to 536870911")
    }
    return (tag >> 3, try payload(wireType: tag & 7, start: start))
  }

  private mutating func payload(wireType: UInt64, start: Int) throws(TokenizerError) -> Payload {
    switch wireType {
    case 0: return .varint(try varint())
    case 1: return .fixed64(try fixed(8))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw error(
          at: start, found: "a length of \(length) bytes",
          expected: "at most the \(end - position) bytes that are left")
      }
      defer { position += Int(length) }
      return .bytes(position..<position + Int(length))
    case 5: return .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
    default: throw error(at: start, found: "wire type \(wireType)", expected: "0, 1, 2 or 5")
    }
  }

  private mutating func varint() throws(TokenizerError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else {
        throw error(at: start, found: "the end of the message", expected: "the rest of a number")
      }
      let byte = UInt64(bytes[position])
      position += 1
      // The tenth byte holds the last of 64 bits.
      guard shift < 63 || byte <= 1 else { break }
      value |= (byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw error(at: start, found: "a number of more than 64 bits", expected: "at most 64 bits")
  }

  private mutating func fixed(_ count: Int) throws(TokenizerError) -> UInt64 {
    guard end - position >= count else {
      throw error(
        at: position, found: "\(end - position) bytes", expected: "a number of \(count) bytes")
    }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
    position += count
    return value
  }

  private func error(at offset: Int, found: String, expected: String) -> TokenizerError {
    TokenizerError(file: file, field: "byte \(offset)", found: found, expected: expected)
  }
}
