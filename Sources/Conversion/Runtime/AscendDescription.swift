import QuernContainers
import QuernQuantization

/// `quant_model_description.json`: the type of every stored tensor, and what holds for all of them.
///
/// Its keys and why each has this value: `formats/ascend/folder`.
struct AscendDescription {
  let bytes: [UInt8]

  init(_ tensors: [PlannedTensor]) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("model_quant_type", Self.modelType(tensors))
    writer.member("version", "1.0.0")
    // Releases of vllm-ascend take a missing group size for 256.
    writer.member("group_size", 0)
    writer.key("metadata")
    writer.beginObject(.inline)
    writer.end()
    for tensor in tensors {
      let type = tensor.storage.integerFormat?.ascendType ?? "FLOAT"
      for part in tensor.parts where part.home == .weights {
        writer.member(part.name, tensor.ofMatrix?.ascendType ?? type)
      }
    }
    writer.end()
    bytes = writer.drain()
  }

  /// The highest of the types in msModelSlim's order, in which W4A8_DYNAMIC does not occur: a model
  /// of it is called by the type of the rest.
  private static func modelType(_ tensors: [PlannedTensor]) -> String {
    let types = Set(tensors.compactMap { $0.storage.integerFormat?.ascendType })
    return ["W8A8", "W8A8_DYNAMIC", "W8A16"].first(where: types.contains)
      ?? (types.isEmpty ? "FLOAT" : "W8A8_DYNAMIC")
  }
}

extension IntegerFormat {
  /// What the description calls it.
  package var ascendType: String {
    switch (storage.bits, activations) {
    case (.four, _): "W4A8_DYNAMIC"
    case (.eight, .dynamic): "W8A8_DYNAMIC"
    case (.eight, .fixed): "W8A8"
    case (.eight, .float): "W8A16"
    }
  }
}
