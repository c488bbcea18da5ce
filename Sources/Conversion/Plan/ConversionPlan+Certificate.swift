import QuernCertificates
import QuernContainers
import QuernQuantization

extension ConversionPlan {
  /// The certificate of a finished run.
  func certificate(_ rows: [CertificateRow], kernels: RowKernels) -> Certificate {
    Certificate(
      toolVersion: Conversion.toolVersion, target: target.rawValue, architecture: architecture,
      recipeName: recipe.displayName, recipe: recipe.json, options: options.json,
      repositoryID: checkpoint.repositoryID, revision: checkpoint.revision,
      sourceFiles: zip(checkpoint.files, sourceHeaderHashes).map {
        Certificate.SourceFile(name: $0.name, byteCount: $0.byteCount, headerHash: $1)
      },
      imatrix: importance.map { .init(name: $0.fileName, hash: $0.hash) },
      calibration: calibration.map { .init(name: $0.fileName, hash: $0.hash) }, planHash: hash,
      files: files.map { file in
        let headerHash = file.header.withUnsafeBytes { kernels.blake3($0) }
        return Certificate.OutputFile(
          name: file.name, byteCount: file.byteCount, headerByteCount: file.header.count,
          headerHash: headerHash.hexadecimal,
          hash: Certificate.fileHash(
            header: headerHash,
            tensors: zip(file.tensors, file.offsets).filter { !$1.isEmpty }.map {
              rows[$0.0].hash
            }))
      },
      rows: rows, dropped: dropped.map { ($0.name.text, $0.reason) })
  }
}

extension Recipe {
  /// The name of a built-in with its version, the file name of any other: a certificate holds no
  /// path.
  package var displayName: String {
    let short = name.split(separator: "/").last.map(String.init) ?? name
    guard let version, !short.contains("@") else { return short }
    return "\(short)@\(version)"
  }

  /// The resolved rules.
  package var json: JSONObject {
    var object = JSONObject()
    if let version { object.set("version", .integer(version)) }
    object.set("rules", .array(rules.map { .object($0.json) }))
    return object
  }
}

extension Recipe {
  /// The recipe of a certificate, its rules resolved.
  ///
  /// - Throws: `RecipeError` for what this version does not write.
  package init(json: JSONObject, name: String, target: ConversionTarget) throws(RecipeError) {
    var writer = JSONWriter()
    writer.value(.object(json))
    self = try Recipe.parse(writer.bytes, name: name, target: target)
  }
}

extension Recipe.Rule {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    let text =
      switch match {
      case .output(let pattern): pattern
      case .source(let pattern): "source:\(pattern)"
      case .role(let role): "role:\(role.rawValue)"
      }
    object.set("match", .string(text))
    object.set("type", .string(type.word))
    object.set("method", .string(method.rawValue))
    if ordersByActivation { object.set("actOrder", .bool(true)) }
    if let layers { object.set("layers", .string(layers.rawValue)) }
    if isOptional { object.set("optional", .bool(true)) }
    return object
  }
}

extension ConversionOptions {
  /// What was chosen, for the certificate: a verifier plans anew with it.
  package var json: JSONObject {
    var object = JSONObject()
    object.set("mtp", .string(draft.rawValue))
    object.set("nan", .string(nonFinite.rawValue))
    if rotates { object.set("rotate", .bool(true)) }
    if let splitMaxByteCount { object.set("splitMaxBytes", .integer(splitMaxByteCount)) }
    if let chatTemplate { object.set("chatTemplate", .string(chatTemplate)) }
    if let preTokenizer { object.set("preTokenizer", .string(preTokenizer)) }
    if let relayout { object.set("relayout", .string(relayout.rawValue)) }
    if let modelName { object.set("modelName", .string(modelName)) }
    if let origin {
      object.set("folderName", .string(origin.folderName))
      if let id = origin.repositoryID { object.set("repository", .string(id)) }
    }
    return object
  }
}

extension ConversionOptions {
  /// The options of a certificate; nil where a field is none that this version writes.
  package init?(json: JSONObject) {
    guard let draft = json["mtp"]?.string.flatMap(Draft.init),
      let nonFinite = json["nan"]?.string.flatMap(NonFinite.init)
    else { return nil }
    self.init(
      draft: draft, nonFinite: nonFinite, rotates: json["rotate"]?.bool ?? false,
      splitMaxByteCount: json["splitMaxBytes"]?.integer,
      chatTemplate: json["chatTemplate"]?.string, preTokenizer: json["preTokenizer"]?.string,
      relayout: json["relayout"]?.string.flatMap(Relayout.init),
      modelName: json["modelName"]?.string)
    if let folderName = json["folderName"]?.string {
      origin = Origin(folderName: folderName, repositoryID: json["repository"]?.string)
    }
    guard self.json == json else { return nil }
  }
}
