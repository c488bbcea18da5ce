import QuernContainers

/// A model's config.json: the class it names and how it says its weights are quantized.
package struct ModelConfig: Sendable {
  package let path: String
  package let json: JSONObject
  /// How the config says weights are quantized; nil where it says nothing.
  package let quantizationMethod: QuantizationMethod?
  /// Rows and columns that share one FP8 scale.
  package let weightBlockShape: (rows: Int, columns: Int)

  package enum QuantizationMethod: String, Sendable {
    case fp8
    case compressedTensors = "compressed-tensors"
    case ascend
  }

  /// A config is a few kilobytes; tables in it (quantization of single layers) may make it megabytes.
  private static let maximumByteCount = 16 << 20

  package init(bytes: [UInt8], path: String) throws(InputProblem) {
    self.path = path
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw InputProblem(file: path, found: "malformed JSON, \(error)", expected: "an object")
    }
    guard let object = value.object else {
      throw InputProblem(file: path, found: value.summary, expected: "an object")
    }
    json = object
    let quantization = try Self.quantization(object, path: path)
    quantizationMethod = quantization?.method
    weightBlockShape = try Self.blockShape(quantization, path: path)
  }

  package static func read(in folder: ModelFolder) throws(CheckpointError) -> ModelConfig? {
    guard let bytes = try folder.contents(of: "config.json", limit: maximumByteCount) else {
      return nil
    }
    do throws(InputProblem) {
      return try ModelConfig(bytes: bytes, path: folder.path + "/config.json")
    } catch { throw .problem(error) }
  }

  package var classes: [String] { (json["architectures"]?.array ?? []).compactMap(\.string) }
  package var modelType: String? { json["model_type"]?.string }

  private static func quantization(_ object: JSONObject, path: String) throws(InputProblem) -> (
    method: QuantizationMethod, json: JSONObject
  )? {
    guard let value = object["quantization_config"], !value.isNull else { return nil }
    guard let quantization = value.object else {
      throw InputProblem(
        file: path, field: "quantization_config", found: value.summary, expected: "an object")
    }
    let name = quantization["quant_method"]
    guard let method = name?.string.flatMap(QuantizationMethod.init) else {
      throw InputProblem(
        file: path, field: "quantization_config.quant_method",
        found: name?.summary ?? "no such key",
        expected: "\"fp8\", \"compressed-tensors\" or \"ascend\": "
          + "weights of another scheme would be read wrongly")
    }
    return (method, quantization)
  }

  private static func blockShape(
    _ quantization: (method: QuantizationMethod, json: JSONObject)?, path: String
  ) throws(InputProblem) -> (rows: Int, columns: Int) {
    guard let quantization, quantization.method == .fp8,
      let block = quantization.json["weight_block_size"], !block.isNull
    else { return (128, 128) }
    let sizes = (block.array ?? []).compactMap(\.integer)
    guard sizes.count == 2, block.array?.count == 2,
      sizes.allSatisfy({ (1...1 << 20).contains($0) })
    else {
      let found = (block.array ?? []).map(\.summary).joined(separator: ", ")
      throw InputProblem(
        file: path, field: "quantization_config.weight_block_size",
        found: block.array == nil ? block.summary : "[\(found)]", expected: "two positive integers")
    }
    return (sizes[0], sizes[1])
  }
}
