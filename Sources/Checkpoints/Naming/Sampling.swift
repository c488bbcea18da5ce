import QuernContainers

/// The sampling that a model's makers recommend, from `generation_config.json`.
struct Sampling {
  private enum Kind { case text, integer, real }

  /// Key below `general.sampling.`, its type, and the names in the config, in the file's order.
  private static let fields: [(key: String, kind: Kind, names: [String])] = [
    ("sequence", .text, ["sequence"]),
    ("top_k", .integer, ["top_k"]),
    ("top_p", .real, ["top_p"]),
    ("min_p", .real, ["min_p"]),
    ("xtc_probability", .real, ["xtc_probability"]),
    ("xtc_threshold", .real, ["xtc_threshold"]),
    ("temp", .real, ["temperature"]),
    ("penalty_last_n", .integer, ["penalty_last_n"]),
    ("penalty_repeat", .real, ["penalty_repeat", "repetition_penalty"]),
    ("mirostat", .integer, ["mirostat"]),
    ("mirostat_tau", .real, ["mirostat_tau"]),
    ("mirostat_eta", .real, ["mirostat_eta"]),
  ]

  private(set) var keyValues: [GGUFKeyValue] = []
  private(set) var warnings: [String] = []

  /// - Parameter bytes: the file; a broken one is left out with a warning, since no weight and no
  ///   token depends on it.
  init(_ bytes: [UInt8]?) {
    guard let bytes else { return }
    let config: JSONObject
    do {
      config = try JSONObject(parsing: bytes, file: "generation_config.json")
    } catch {
      warnings = ["\(error); its sampling settings are left out"]
      return
    }
    for (key, kind, names) in Self.fields {
      guard let found = names.lazy.compactMap({ config[$0] }).first(where: { !$0.isNull }) else {
        continue
      }
      guard let value = Self.value(found, kind) else {
        warnings.append(
          "generation_config.json: \(names[0]) is \(found.summary), which is left out")
        continue
      }
      keyValues.append(GGUFKeyValue("general.sampling.\(key)", value))
    }
  }

  private static func value(_ found: JSONValue, _ kind: Kind) -> GGUFValue? {
    switch kind {
    case .text: found.string.map(GGUFValue.text)
    case .integer: found.integer.flatMap { Int32(exactly: $0) }.map(GGUFValue.int32)
    case .real: found.real.map { Float($0) }.flatMap { $0.isFinite ? .float32($0) : nil }
    }
  }
}
