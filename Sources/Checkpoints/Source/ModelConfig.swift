import QuernContainers

/// A model's config.json: the class it names and how it says its weights are quantized.
package struct ModelConfig: Sendable {
  package let path: String
  package let json: JSONObject
  /// Rows and columns that share one FP8 scale.
  package let weightBlockShape: (rows: Int, columns: Int)

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
    weightBlockShape = try Self.blockShape(object, path: path)
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

  private static func blockShape(_ object: JSONObject, path: String) throws(InputProblem) -> (
    rows: Int, columns: Int
  ) {
    guard let quantization = object["quantization_config"], !quantization.isNull else {
      return (128, 128)
    }
    guard let quantization = quantization.object else {
      throw InputProblem(
        file: path, field: "quantization_config", found: quantization.summary, expected: "an object"
      )
    }
    let method = quantization["quant_method"]
    guard method?.string == "fp8" else {
      throw InputProblem(
        file: path, field: "quantization_config.quant_method",
        found: method?.summary ?? "no such key",
        expected: "\"fp8\": weights of another scheme would be read wrongly")
    }
    guard let block = quantization["weight_block_size"], !block.isNull else { return (128, 128) }
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
