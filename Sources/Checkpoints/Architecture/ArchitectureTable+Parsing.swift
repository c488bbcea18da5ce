import QuernContainers

extension ArchitectureTable {
  /// Why a table of ours does not load; only tests see it.
  package struct Malformed: Error { package let what: String }

  package init(parsing bytes: [UInt8]) throws {
    guard let root = try JSONValue(parsing: bytes).object else { throw Malformed(what: "root") }
    architecture = try root.text("architecture")
    classes = root.texts("classes")
    modelTypes = root.texts("modelTypes")
    optionalPrefix = try root.text("optionalPrefix")
    runtimePrefix = root["runtimePrefix"]?.string ?? ""
    parameters = try (root["parameters"]?.object?.members ?? []).map {
      try Parameter(name: $0.key, $0.value.object ?? JSONObject())
    }
    let lists = root["tensors"]?.object ?? JSONObject()
    groups = try root.objects("groups").map { group in
      try Group(group, tensors: group.texts("tensors").flatMap { lists.objects($0) })
    }
    drops = try root.objects("drops").map(Drop.init)
    metadata = try root.objects("metadata").map(Metadata.init)
    limits = try root.objects("limits").map(Limit.init)
    ropeScaling = root.texts("ropeScaling")
    looksForSentencePiece = try root.text("tokenizer") == "sentencepiece-first"
  }
}

extension ArchitectureTable.Parameter {
  fileprivate init(name: String, _ object: JSONObject) throws {
    self.name = name
    guard let kind = Kind(rawValue: try object.text("type")) else {
      throw ArchitectureTable.Malformed(what: name)
    }
    self.kind = kind
    keys = object.texts("keys")
    choices = (object["choices"]?.object?.members ?? []).reduce(into: [:]) {
      $0[$1.key] = $1.value.integer
    }
    minimum = object["minimum"]?.integer
    above = object["above"]?.real
    defaultValue = try object.formula("default")
    nullValue = try object.formula("null")
    because = object["because"]?.string
  }
}

extension ArchitectureTable.Group {
  fileprivate init(_ object: JSONObject, tensors: [JSONObject]) throws {
    map = try object.map()
    source = try object.text("source")
    gguf = object["gguf"]?.string ?? ""
    count = try object.formula("count")
    condition = try object.formula("when")
    isDraft = object["file"]?.string == "draft"
    let stacked = object["fusedAcross"]?.object?.members ?? []
    fusedAcross = stacked.reduce(into: [:]) { $0[$1.key] = $1.value.string }
    self.tensors = try tensors.map(ArchitectureTable.Tensor.init)
  }
}

extension ArchitectureTable.Tensor {
  fileprivate init(_ object: JSONObject) throws {
    map = try object.map()
    gguf = object["gguf"]?.string ?? ""
    role = try object.text("role")
    shape = try object.texts("shape").map { try Expression(parsing: $0) }
    names = object.texts("names")
    condition = try object.formula("when")
    isOptional = object["optional"]?.bool ?? false
    isInteger = object["integer"]?.bool ?? false
    permuteHeads = try object.formula("permuteHeads")
    heads = try object["heads"]?.object.map(ArchitectureTable.Heads.init)
    stack = try object.formula("stack")
    fused = try object["fused"]?.object.map(ArchitectureTable.Fused.init)
    concatenate = (object["concatenate"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
    derivation = object["derive"]?.string
    runtime = try object["runtime"]?.object.map(ArchitectureTable.Runtime.init)
    rotation = object["rotation"]?.object.map(RuntimeRotation.init)
  }
}

extension RuntimeRotation {
  fileprivate init(_ object: JSONObject) {
    if let reason = object["refused"]?.string {
      self = .refused(reason)
    } else if object["ones"]?.bool ?? false {
      self = .ones
    } else {
      self = .turned(
        columns: object["columns"] != nil, gains: object.texts("columns"),
        rows: object["rows"]?.bool ?? false)
    }
  }
}

extension ArchitectureTable.Runtime {
  fileprivate init(_ object: JSONObject) throws {
    module = try object["module"].map {
      guard let kind = RuntimeModule.Kind(rawValue: $0.string ?? "") else {
        throw ArchitectureTable.Malformed(what: "module")
      }
      return kind
    }
    guard let split = RuntimeModule.Split(rawValue: object["split"]?.string ?? "none") else {
      throw ArchitectureTable.Malformed(what: "split")
    }
    self.split = split
    fused = object["fused"]?.string
    floatReason = object["float"]?.string
    isBare = object["bare"]?.bool ?? false
    copies = object.texts("copyOf")
  }
}

extension ArchitectureTable.Fused {
  fileprivate init(_ object: JSONObject) throws {
    names = object.texts("names")
    guard let rows = try object.formula("rows"), let first = try object.formula("first") else {
      throw ArchitectureTable.Malformed(what: "fused")
    }
    self.rows = rows
    self.first = first
  }
}

extension ArchitectureTable.Heads {
  fileprivate init(_ object: JSONObject) throws {
    guard let rows = try object.formula("rows"), let first = try object.formula("first") else {
      throw ArchitectureTable.Malformed(what: "heads")
    }
    self.rows = rows
    self.first = first
    isTransposed = object["transposed"]?.bool ?? false
  }
}

extension ArchitectureTable.Limit {
  fileprivate init(_ object: JSONObject) throws {
    guard let condition = try object.formula("when") else {
      throw ArchitectureTable.Malformed(what: "limits")
    }
    self.condition = condition
    field = try object.text("field")
    expected = object["expected"]?.string
    warning = object["warning"]?.string
  }
}

extension ArchitectureTable.Drop {
  fileprivate init(_ object: JSONObject) throws {
    map = try object.map()
    patterns = object.texts("names")
    condition = try object.formula("when")
    reason = try object.text("drop")
  }
}

extension ArchitectureTable.Metadata {
  fileprivate init(_ object: JSONObject) throws {
    key = try object.text("key")
    type = try object.text("type")
    value = try object.text("value")
    condition = try object.formula("when")
  }
}

extension JSONObject {
  fileprivate func text(_ key: String) throws -> String {
    guard let text = self[key]?.string else { throw ArchitectureTable.Malformed(what: key) }
    return text
  }

  fileprivate func map() throws -> ArchitectureTable.MapKind? {
    try self["map"].map {
      guard let kind = ArchitectureTable.MapKind(rawValue: $0.string ?? "") else {
        throw ArchitectureTable.Malformed(what: "map")
      }
      return kind
    }
  }

  fileprivate func texts(_ key: String) -> [String] {
    (self[key]?.array ?? []).compactMap(\.string)
  }

  fileprivate func objects(_ key: String) -> [JSONObject] {
    (self[key]?.array ?? []).compactMap(\.object)
  }

  fileprivate func formula(_ key: String) throws -> Expression? {
    guard let text = self[key]?.string else { return nil }
    return try Expression(parsing: text)
  }
}
