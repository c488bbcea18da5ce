extension GGUFValue: CustomStringConvertible {
  /// The value for people: arrays by their length, texts in quotes.
  public var description: String {
    switch self {
    case .uint8(let value): "\(value)"
    case .int8(let value): "\(value)"
    case .uint16(let value): "\(value)"
    case .int16(let value): "\(value)"
    case .uint32(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .uint64(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .float32(let value): "\(value)"
    case .float64(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let value): "\"\(value.text.escapedForDisplay)\""
    case .array(let values): "\(values.count) × \(values.elementType)"
    }
  }
}
