import QuernContainers
import QuernQuantization

/// The `quantization_config` of a folder for compressed-tensors: one group of modules for each format.
///
/// Its keys: `formats/compressed-tensors`.
struct CompressedTensorsConfig {
  let json: JSONObject

  init(_ tensors: [PlannedTensor]) {
    let matrices = tensors.filter { $0.storage.integerFormat != nil }
    let formats = matrices.reduce(into: [IntegerFormat]()) { list, tensor in
      if let format = tensor.storage.integerFormat, !list.contains(format) { list.append(format) }
    }
    var groups = JSONObject()
    for (index, format) in formats.enumerated() {
      let members = matrices.filter { $0.storage.integerFormat == format }.map(\.moduleName)
      let targets = formats.count == 1 ? ["Linear"] : members
      groups.set("group_\(index)", .object(Self.group(format, targets: targets)))
    }
    let kinds = Set(formats.map(Self.compression))
    var json = JSONObject()
    json.set("quant_method", .string("compressed-tensors"))
    json.set("format", .string(kinds.count == 1 ? kinds.first ?? "dense" : "mixed-precision"))
    json.set("quantization_status", .string("compressed"))
    json.set("config_groups", .object(groups))
    json.set("ignore", .array(Self.ignored(tensors).map { .string($0) }))
    json.set("kv_cache_scheme", .null)
    self.json = json
  }

  /// Matrices that stay as they are, by module: without their names every linear layer would be taken
  /// for a quantized one. A head that is the embedding has no tensor, and transformers builds it all
  /// the same.
  private static func ignored(_ tensors: [PlannedTensor]) -> [String] {
    let floats = tensors.filter {
      $0.storage.integerFormat == nil && $0.ofMatrix == nil && $0.shape.rank == 2
        && $0.name.hasSuffix(".weight")
    }.map(\.moduleName)
    return floats + (tensors.contains { $0.role == .output } ? [] : ["lm_head"])
  }

  private static func compression(_ format: IntegerFormat) -> String {
    format.storage.packing == .words ? "pack-quantized" : "int-quantized"
  }

  private static func group(_ format: IntegerFormat, targets: [String]) -> JSONObject {
    var weights = JSONObject()
    weights.set("num_bits", .integer(format.storage.bits.rawValue))
    weights.set("type", .string("int"))
    weights.set("symmetric", .bool(true))
    weights.set("dynamic", .bool(false))
    if let group = format.storage.groupElements {
      weights.set("strategy", .string("group"))
      weights.set("group_size", .integer(group))
    } else {
      weights.set("strategy", .string("channel"))
    }
    var group = JSONObject()
    group.set("targets", .array(targets.map { .string($0) }))
    group.set("weights", .object(weights))
    group.set("input_activations", format.activations == .dynamic ? .object(tokenwise) : .null)
    group.set("output_activations", .null)
    group.set("format", .string(compression(format)))
    return group
  }

  /// Eight bits, a scale for each token.
  private static var tokenwise: JSONObject {
    var inputs = JSONObject()
    inputs.set("num_bits", .integer(8))
    inputs.set("type", .string("int"))
    inputs.set("symmetric", .bool(true))
    inputs.set("dynamic", .bool(true))
    inputs.set("strategy", .string("token"))
    return inputs
  }
}

extension PlannedTensor {
  /// The module that a weight belongs to.
  fileprivate var moduleName: String {
    name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
  }
}
