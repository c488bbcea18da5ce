import QuernCheckpoints
import QuernContainers

/// A model's numbers by the keys that GGUF gives them behind the architecture's name.
package struct ModelNumbers: Sendable {
  package let model: CanonicalModel

  package init(_ model: CanonicalModel) { self.model = model }

  /// - Throws: `ModelError.data` for a key that is missing or no integer from `minimum` to 2^31.
  package func integer(_ key: String, minimum: Int = 1, default value: Int? = nil)
    throws(ModelError) -> Int
  {
    guard let found = model.value(key) else {
      if let value { return value }
      throw problem(key, found: "no such key", expected: "an integer")
    }
    guard let number = found.integer, number >= minimum, number < 1 << 31 else {
      throw problem(key, found: "\(found)", expected: "an integer of at least \(minimum)")
    }
    return number
  }

  /// - Throws: `ModelError.data` for a key that is missing or no finite number.
  package func real(_ key: String, default value: Float? = nil) throws(ModelError) -> Float {
    guard let found = model.value(key) else {
      if let value { return value }
      throw problem(key, found: "no such key", expected: "a number")
    }
    guard case .float32(let number) = found, number.isFinite else {
      throw problem(key, found: "\(found)", expected: "a finite float32")
    }
    return number
  }

  package func flag(_ key: String, default value: Bool) -> Bool {
    if case .bool(let flag)? = model.value(key) { flag } else { value }
  }

  package func text(_ key: String) -> String? {
    if case .string(let text)? = model.value(key) { text.text } else { nil }
  }

  /// The entries of an array of integers; nil without one.
  package func integers(_ key: String) -> [Int]? {
    switch model.value(key) {
    case .array(.int32(let values))?: values.map(Int.init)
    case .array(.uint32(let values))?: values.map(Int.init)
    default: nil
    }
  }

  /// The entries of an array of numbers; nil without one.
  package func reals(_ key: String) -> [Float]? {
    if case .array(.float32(let values))? = model.value(key) { values } else { nil }
  }

  package func problem(_ key: String, found: String, expected: String) -> ModelError {
    .data(
      InputProblem(
        file: model.descriptionFile, field: "\(model.architecture).\(key)", found: found,
        expected: expected))
  }
}

extension GGUFValue {
  fileprivate var integer: Int? {
    switch self {
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    case .uint16(let value): Int(value)
    case .uint8(let value): Int(value)
    default: nil
    }
  }
}
