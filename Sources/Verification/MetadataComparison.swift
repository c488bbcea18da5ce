import QuernContainers
import QuernTensors

/// Compares the metadata of two GGUF headers.
enum MetadataComparison {
  struct Difference {
    let key: String
    let found: String
    let expected: String
  }

  /// Keys that only one side has, or whose values or types differ, in the order of the expected ones.
  static func differences(found: [GGUFKeyValue], expected: [GGUFKeyValue]) -> [Difference] {
    var values: [TensorName: GGUFValue] = [:]
    for entry in found { values[TensorName(entry.key)] = entry.value }
    var result: [Difference] = []
    for entry in expected {
      let value = values.removeValue(forKey: TensorName(entry.key))
      if value == entry.value { continue }
      let shown = value.map { "\($0)" } ?? "nothing"
      let isSameText = shown == "\(entry.value)"
      result.append(
        Difference(
          key: entry.key, found: isSameText ? "other elements" : shown,
          expected: "\(entry.value)"))
    }
    for entry in found where values[TensorName(entry.key)] != nil {
      result.append(Difference(key: entry.key, found: "\(entry.value)", expected: "nothing"))
    }
    return result
  }
}
