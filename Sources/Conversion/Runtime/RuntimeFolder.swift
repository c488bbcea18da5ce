import QuernCheckpoints
import QuernContainers

/// The small files of a folder that a runtime loads: index, description, configuration, and what is
/// copied from the checkpoint.
struct RuntimeFolder {
  let request: PlanRequest
  /// Every tensor of the weights' files.
  let tensors: [PlannedTensor]
  let weightFiles: [PlannedFile]

  private static let copiedExtensions = ["json", "py", "txt", "jinja", "model", "tiktoken"]
  private static let copiedNames = ["LICENSE", "LICENSE.md", "NOTICE"]
  /// The largest tokenizers have 35 MB.
  private static let maximumByteCount = 64 << 20

  /// The files, in the order of their names.
  func files() throws(ConversionError) -> [PlannedFile] {
    var contents: [String: [UInt8]] = try copies()
    contents["config.json"] = Self.text(.object(try config()))
    contents[Self.indexName(request.target)] = index()
    if request.target == .ascend {
      contents["quant_model_description.json"] = AscendDescription(tensors).bytes
    }
    if let template = request.options.chatTemplate {
      contents["chat_template.jinja"] = Array(template.utf8)
    }
    return contents.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
      PlannedFile(name: $0.key, contents: $0.value, tensorIndex: tensors.count)
    }
  }

  static func indexName(_ target: ConversionTarget) -> String {
    target == .ascend
      ? "quant_model_weights.safetensors.index.json" : "model.safetensors.index.json"
  }

  static func weightName(_ target: ConversionTarget, number: Int, count: Int) -> String {
    numbered(target == .ascend ? "quant_model_weights" : "model", number: number, count: count)
  }

  /// `STEM-00001-of-00003.safetensors`.
  static func numbered(_ stem: String, number: Int, count: Int) -> String {
    let digits = { (value: Int) -> String in
      let text = String(value)
      return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }
    return "\(stem)-\(digits(number))-of-\(digits(count)).safetensors"
  }

  // MARK: What is made

  private func index() -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("metadata")
    writer.beginObject(.inline)
    let weights = tensors.flatMap(\.parts).filter { $0.home == .weights }
    writer.member("total_size", weights.reduce(0) { $0 + $1.byteCount })
    writer.end()
    writer.key("weight_map")
    writer.beginObject()
    for file in weightFiles {
      for tensor in file.tensors {
        for part in tensors[tensor].parts where part.home == .weights {
          writer.member(part.name, file.name)
        }
      }
    }
    writer.end()
    writer.end()
    return writer.drain()
  }

  /// The checkpoint's own configuration, without how its weights were quantized.
  private func config() throws(ConversionError) -> JSONObject {
    guard let config = request.checkpoint.config else {
      throw .data(
        InputProblem(
          file: request.checkpoint.folder + "/config.json", found: "no such file",
          expected: "the model's configuration"))
    }
    var result = JSONObject()
    for (key, value) in config.json.members where key != "quantization_config" {
      if key == "text_config", let text = value.object {
        result.set(key, .object(text.removing("quantization_config")))
      } else {
        result.set(key, value)
      }
    }
    if request.options.draft == .drop, result["num_nextn_predict_layers"] != nil {
      result.set("num_nextn_predict_layers", .integer(0))
    }
    // A loader takes a configuration without groups for one of groups that it does not know.
    if request.target == .compressedTensors,
      tensors.contains(where: { $0.storage.integerFormat != nil })
    {
      result.set("quantization_config", .object(CompressedTensorsConfig(tensors).json))
    }
    return result
  }

  private static func text(_ value: JSONValue) -> [UInt8] {
    var writer = JSONWriter()
    guard let object = value.object else { return [] }
    writer.beginObject()
    for (key, member) in object.members {
      writer.key(key)
      writer.value(member)
    }
    writer.end()
    return writer.drain()
  }

  // MARK: What is copied

  /// Tokenizer, generation settings, code and licence: the checkpoint's small files, but for those
  /// that say how its own weights are stored.
  private func copies() throws(ConversionError) -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    do throws(CheckpointError) {
      let folder: ModelFolder
      do throws(FileError) {
        folder = try ModelFolder(request.checkpoint.folder)
      } catch { throw .file(error) }
      for name in folder.names where Self.isCopied(name) {
        if FileSystem.isFolder(folder.path + "/" + name) { continue }
        contents[name] = try folder.contents(of: name, limit: Self.maximumByteCount)
      }
    } catch { throw .checkpoint(error) }
    return contents
  }

  private static func isCopied(_ name: String) -> Bool {
    if copiedNames.contains(name) { return true }
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
    let isOfWeights =
      name.hasSuffix(".index.json") || name.hasSuffix("certificate.json")
      || ["config.json", "quant_model_description.json"].contains(name)
    return !isOfWeights && copiedExtensions.contains(String(name[name.index(after: dot)...]))
  }
}

extension JSONObject {
  func removing(_ key: String) -> JSONObject {
    var result = JSONObject()
    for member in members where member.key != key { result.set(member.key, member.value) }
    return result
  }
}
