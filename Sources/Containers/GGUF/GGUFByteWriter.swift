/// Appends values to a buffer as GGUF stores them.
struct GGUFByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ raw: [UInt8]) { bytes.append(contentsOf: raw) }

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func appendString(_ utf8: some Collection<UInt8>) {
    append(UInt64(utf8.count))
    bytes.append(contentsOf: utf8)
  }

  mutating func pad(to alignment: Int) {
    let excess = bytes.count & (alignment - 1)
    if excess != 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - excess)) }
  }

  mutating func append(_ tensor: GGUFHeader.Tensor, at offset: Int) {
    appendString(tensor.name.text.utf8)
    append(UInt32(tensor.shape.rank))
    for dimension in tensor.shape.dimensions.reversed() { append(Int64(dimension)) }
    append(tensor.type.id)
    append(UInt64(offset))
  }

  mutating func append(_ keyValue: GGUFKeyValue) {
    appendString(keyValue.key.utf8)
    append(keyValue.value.type.rawValue)
    switch keyValue.value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .float64(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): appendString(value.bytes)
    case .array(let values): append(values)
    }
  }

  private mutating func append(_ array: GGUFArray) {
    append(array.elementType.rawValue)
    append(UInt64(array.count))
    switch array {
    case .uint8(let values): append(values)
    case .int8(let values): for value in values { append(value) }
    case .uint16(let values): for value in values { append(value) }
    case .int16(let values): for value in values { append(value) }
    case .uint32(let values): for value in values { append(value) }
    case .int32(let values): for value in values { append(value) }
    case .uint64(let values): for value in values { append(value) }
    case .int64(let values): for value in values { append(value) }
    case .float32(let values): for value in values { append(value.bitPattern) }
    case .float64(let values): for value in values { append(value.bitPattern) }
    case .bool(let values): for value in values { append(UInt8(value ? 1 : 0)) }
    case .strings(let strings):
      for index in 0..<strings.count { appendString(strings.utf8(at: index)) }
    }
  }
}
