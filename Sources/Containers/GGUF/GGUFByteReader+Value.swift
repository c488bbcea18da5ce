extension GGUFByteReader {
  /// A metadata value: its type and what the type says.
  mutating func value() throws(GGUFError) -> GGUFValue {
    switch try valueType() {
    case .uint8: return .uint8(try integer())
    case .int8: return .int8(try integer())
    case .uint16: return .uint16(try integer())
    case .int16: return .int16(try integer())
    case .uint32: return .uint32(try integer())
    case .int32: return .int32(try integer())
    case .uint64: return .uint64(try integer())
    case .int64: return .int64(try integer())
    case .float32: return .float32(Float(bitPattern: try integer()))
    case .float64: return .float64(Double(bitPattern: try integer()))
    case .bool: return .bool(try bools(count: 1)[0])
    case .string: return .string(GGUFString(bytes: try string()))
    case .array: return .array(try array())
    }
  }

  private mutating func valueType() throws(GGUFError) -> GGUFFormat.ValueType {
    let start = position
    let number: UInt32 = try integer()
    guard let type = GGUFFormat.ValueType(rawValue: number) else {
      throw defect(
        at: start, found: "value type \(Int32(bitPattern: number))", expected: "a type of 0 to 12")
    }
    return type
  }

  private mutating func array() throws(GGUFError) -> GGUFArray {
    let start = position
    let type = try valueType()
    guard let size = type.minimumByteCount else {
      throw defect(at: start, found: "an array of arrays", expected: "an array of plain values")
    }
    let count = try count(
      of: "array elements", unitByteCount: size, limit: GGUFFormat.maximumArrayCount)
    switch type {
    case .uint8: return .uint8(try numbers(UInt8.self, count: count))
    case .int8: return .int8(try numbers(Int8.self, count: count))
    case .uint16: return .uint16(try numbers(UInt16.self, count: count))
    case .int16: return .int16(try numbers(Int16.self, count: count))
    case .uint32: return .uint32(try numbers(UInt32.self, count: count))
    case .int32: return .int32(try numbers(Int32.self, count: count))
    case .uint64: return .uint64(try numbers(UInt64.self, count: count))
    case .int64: return .int64(try numbers(Int64.self, count: count))
    case .float32: return .float32(try numbers(Float.self, count: count))
    case .float64: return .float64(try numbers(Double.self, count: count))
    case .bool: return .bool(try bools(count: count))
    case .string: return .strings(try strings(count: count))
    case .array: throw defect(at: start, found: "an array of arrays", expected: "plain values")
    }
  }

  private mutating func bools(count: Int) throws(GGUFError) -> [Bool] {
    let start = position
    guard count <= remainingByteCount else {
      throw defect(at: start, found: "the end of the file", expected: "\(count) booleans")
    }
    let bytes = try numbers(UInt8.self, count: count)
    if let index = bytes.firstIndex(where: { $0 > 1 }) {
      throw defect(
        at: start + index, found: "a boolean of \(bytes[index])", expected: "a boolean of 0 or 1")
    }
    return bytes.map { $0 == 1 }
  }
}

extension GGUFFormat.ValueType {
  /// The bytes that one array element takes, at least; nil for what an array may not hold.
  fileprivate var minimumByteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .string: 8
    case .array: nil
    }
  }
}
