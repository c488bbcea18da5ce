import QuernContainers

/// Names a model for its readers: the `general.*` keys after `general.type`.
///
/// Sources, the first that knows a value wins: the user's name, the model card, the repository
/// that was asked for, `_name_or_path` of the config, the folder's name. Key order and the
/// guessing are llama.cpp's (gguf-py/gguf/metadata.py).
package struct ModelNaming {
  /// - Parameters:
  ///   - folderName: last component of the checkpoint's path, used when there is no repository.
  ///   - repositoryID: `org/name` of a checkpoint from the Hugging Face cache.
  ///   - modelName: the user's name, taken as it is.
  ///   - config: `config.json`.
  ///   - readme: `README.md`.
  ///   - generationConfig: `generation_config.json`, for the recommended sampling.
  ///   - parameters: of the output, for the size label.
  package static func keyValues(
    folderName: String, repositoryID: String? = nil, modelName: String? = nil, config: JSONObject,
    readme: [UInt8]? = nil, generationConfig: [UInt8]? = nil, parameters: ParameterCount
  ) -> TokenizerResult {
    var naming = ModelNaming(card: ModelCard(readme.map { String(decoding: $0, as: UTF8.self) }))
    naming.parameterCount = parameters.total
    if let repositoryID { naming.fill(from: repositoryID) }
    if let path = config["_name_or_path"]?.string, path.count(where: { $0 == "/" }) <= 1 {
      naming.fill(from: path)
    }
    if repositoryID == nil { naming.fill(from: folderName) }
    naming.set("size_label", parameters.sizeLabel)
    if let modelName { naming.values["name"] = modelName }
    let sampling = Sampling(generationConfig)
    return TokenizerResult(
      keyValues: sampling.keyValues + naming.keyValues, warnings: sampling.warnings)
  }

  private let card: ModelCard
  private var values: [String: String] = [:]
  private var parameterCount = 0

  private init(card: ModelCard) {
    self.card = card
    set("name", card.text("name", "model_name"))
    set("author", card.text("author", "model_author", "model_creator"))
    set("version", card.text("version", "model_version"))
    set("organization", card.text("organization", "model_organization"))
    set("finetune", card.text("finetune", "model_finetune"))
    set("basename", card.text("basename", "model_basename", "model_type"))
    set("description", card.text("description", "model_description"))
    set("size_label", card.text("size_label", "model_size_label"))
    set("license", card.text("license"))
    set("license.name", card.text("license_name"))
    set("license.link", card.text("license_link"))
  }

  /// Sets a value that no earlier source has set.
  private mutating func set(_ key: String, _ value: String?) {
    guard let value, !value.isEmpty, values[key] == nil else { return }
    values[key] = value
  }

  private mutating func fill(from identifier: String) {
    let parts = ModelIdentifier(identifier, parameterCount: parameterCount)
    set("name", ModelIdentifier.title(parts.fullName))
    set("organization", parts.organization.map(ModelIdentifier.title))
    set("basename", parts.basename)
    set("finetune", parts.finetune)
    set("version", parts.version)
    set("size_label", parts.sizeLabel)
  }

  private static let keyOrder = [
    "name", "author", "version", "organization", "finetune", "basename", "description",
    "size_label", "license", "license.name", "license.link",
  ]

  private var keyValues: [GGUFKeyValue] {
    var result: [GGUFKeyValue] = []
    for key in Self.keyOrder {
      guard let value = values[key] else { continue }
      result.append(GGUFKeyValue("general.\(key)", .text(value)))
    }
    result += origins("base_model", card.list("base_model"))
    result += origins("dataset", card.list("datasets"))
    result += strings("tags", card.list("tags", "pipeline_tag"))
    result += strings("languages", card.list("languages", "language"))
    return result
  }

  private func strings(_ key: String, _ texts: [String]) -> [GGUFKeyValue] {
    guard !texts.isEmpty else { return [] }
    var strings = GGUFStrings()
    for text in texts { strings.append(text.utf8) }
    return [GGUFKeyValue("general.\(key)", .array(.strings(strings)))]
  }

  /// Parent models or datasets: their parts by number.
  private func origins(_ kind: String, _ identifiers: [String]) -> [GGUFKeyValue] {
    guard !identifiers.isEmpty else { return [] }
    var result = [GGUFKeyValue("general.\(kind).count", .uint32(UInt32(identifiers.count)))]
    for (number, identifier) in identifiers.enumerated() {
      for (key, value) in origin(identifier) {
        result.append(GGUFKeyValue("general.\(kind).\(number).\(key)", .text(value)))
      }
    }
    return result
  }

  private func origin(_ identifier: String) -> [(String, String)] {
    let hub = "https://huggingface.co/"
    let isAddress = ["http://", "https://", "ssh://"].contains { identifier.hasPrefix($0) }
    let path = identifier.hasPrefix(hub) ? String(identifier.dropFirst(hub.count)) : identifier
    if isAddress, path == identifier || path.split(separator: "/").count != 2 {
      return [("repo_url", identifier)]
    }
    let parts = ModelIdentifier(path, parameterCount: parameterCount)
    var result = [("name", ModelIdentifier.title(parts.fullName))]
    if let version = parts.version { result.append(("version", version)) }
    if let organization = parts.organization {
      result.append(("organization", ModelIdentifier.title(organization)))
      result.append(("repo_url", "\(hub)\(organization)/\(parts.fullName)"))
    }
    return result
  }
}
