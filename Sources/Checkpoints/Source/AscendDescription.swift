import QuernContainers
import QuernTensors

/// `quant_model_description.json`: a type for each tensor, and a few facts of the model as a whole.
struct AscendDescription {
  static let fileName = "quant_model_description.json"

  let path: String
  /// The type of each tensor by its name, as it is written.
  private(set) var types: [TensorName: String] = [:]
  private(set) var warnings: [String] = []

  /// The description of 200,000 tensors is 15 MB.
  private static let maximumByteCount = 512 << 20

  init(in folder: ModelFolder) throws(CheckpointError) {
    path = folder.path + "/" + Self.fileName
    let bytes = try folder.contents(of: Self.fileName, limit: Self.maximumByteCount) ?? []
    do throws(InputProblem) {
      try read(bytes)
    } catch { throw .problem(error) }
  }

  private mutating func read(_ bytes: [UInt8]) throws(InputProblem) {
    var scanner = JSONScanner(bytes)
    var members: [(key: String, value: JSONValue)] = []
    do throws(JSONError) {
      try scanner.beginObject()
      while let key = try scanner.nextKey() { members.append((key, try scanner.value())) }
      try scanner.end()
    } catch {
      throw InputProblem(
        file: path, found: "malformed JSON, \(error)",
        expected: "an object of tensor names and types")
    }
    for (key, value) in members { try add(key, value) }
  }

  private mutating func add(_ key: String, _ value: JSONValue) throws(InputProblem) {
    if let kind = Self.globals[key] {
      guard kind.accepts(value) else {
        throw InputProblem(
          file: path, field: key, found: value.summary, expected: kind.rawValue)
      }
      if value.object?["quarot"] != nil {
        warnings.append(
          "\(Self.fileName): \(key).quarot says that weights are rotated: "
            + "they are not those of the model they were made from")
      }
      return
    }
    // The type of an attention layer or an indexer, not of a tensor.
    if key.hasSuffix(".quant_type") { return }
    guard let type = value.string else {
      throw InputProblem(file: path, field: key, found: value.summary, expected: "a type's name")
    }
    if key.contains(".") || AscendType(rawValue: type) != nil
      || AscendType.unreadable.contains(type)
    {
      types[TensorName(key)] = type
    } else {
      warnings.append(
        "\(Self.fileName): unknown key \(key.escapedForDisplay), \(value.summary)")
    }
  }

  private enum Kind: String {
    case text = "a string"
    case count = "an integer that is not negative"
    case object = "an object"
    case any = "any value"

    func accepts(_ value: JSONValue) -> Bool {
      switch self {
      case .text: value.string != nil
      case .count: value.integer.map { $0 >= 0 } ?? false
      case .object: value.object != nil
      case .any: true
      }
    }
  }

  /// Keys that are no tensors.
  private static let globals: [String: Kind] = [
    "version": .text, "model_quant_type": .text, "group_size": .count, "metadata": .object,
    "optional": .object, "kv_cache_type": .text, "kv_quant_type": .text, "fa_quant_type": .text,
    "indexer_quant_type": .text, "ascend_quant_method": .text, "reduce_quant_type": .any,
    "is_rot_used": .any,
  ]
}
