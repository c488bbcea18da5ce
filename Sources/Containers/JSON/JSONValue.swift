import QuernTensors

/// A JSON value as a tree, for documents small enough to hold: configs, recipes, tables.
public indirect enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number written without fraction or exponent that fits 64 bits.
  case integer(Int)
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Parses one document.
  ///
  /// - Throws: `JSONError` with the byte offset of what is wrong.
  package init(parsing bytes: [UInt8], dialect: JSONScanner.Dialect = .strict) throws(JSONError) {
    var scanner = JSONScanner(bytes, dialect: dialect)
    self = try scanner.value()
    try scanner.end()
  }

  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  public var isNull: Bool { self == .null }

  /// The number, whichever way it is written.
  public var real: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// How an error names what it found: scalars in full, containers by kind.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .string(let value): "\"\(value.escapedForDisplay)\""
    case .array(let values): "an array of \(values.count)"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object in the order of the text; keys are compared by their bytes.
public struct JSONObject: Equatable, Sendable {
  public private(set) var members: [(key: String, value: JSONValue)] = []
  private var positions: [TensorName: Int] = [:]

  public init() {}

  public subscript(key: String) -> JSONValue? {
    positions[TensorName(key)].map { members[$0].value }
  }

  /// Adds a member, or replaces the value of one that is there.
  package mutating func set(_ key: String, _ value: JSONValue) {
    if let position = positions[TensorName(key)] {
      members[position].value = value
    } else {
      positions[TensorName(key)] = members.count
      members.append((key, value))
    }
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.members.elementsEqual(right.members) { $0.key == $1.key && $0.value == $1.value }
  }
}

extension JSONScanner {
  /// Reads one value of any kind into a tree.
  package mutating func value() throws(JSONError) -> JSONValue {
    switch try peek() {
    case .object:
      var object = JSONObject()
      try beginObject()
      while let key = try nextKey() { object.set(key, try value()) }
      return .object(object)
    case .array:
      var elements: [JSONValue] = []
      try beginArray()
      while try nextElement() { elements.append(try value()) }
      return .array(elements)
    case .string: return .string(try string())
    case .number: return try number()
    case .bool: return .bool(try bool())
    case .null:
      try null()
      return .null
    }
  }
}
