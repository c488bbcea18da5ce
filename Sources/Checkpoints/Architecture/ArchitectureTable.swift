import QuernContainers
import QuernFormats

/// One model family, as `formats/architectures/*.json` describes it.
///
/// The tables are data that ship with the binary: a malformed one is our own mistake, found by the
/// tests that load every table, not an input error.
package struct ArchitectureTable: Sendable {
  /// The `general.architecture` of GGUF.
  package let architecture: String
  package let classes: [String]
  package let modelTypes: [String]
  /// What the family can be converted to; empty for everything.
  package let targets: [String]
  /// A prefix that source names may carry (`model.`).
  package let optionalPrefix: String
  /// The prefix of names in a folder for Python runtimes.
  package let runtimePrefix: String
  package let parameters: [Parameter]
  package let groups: [Group]
  package let drops: [Drop]
  package let metadata: [Metadata]
  package let ropeScaling: [String]
  package let looksForSentencePiece: Bool

  /// The maps that parts of a table belong to: the tensors of a GGUF file, and those of a safetensors
  /// folder for Python runtimes.
  package enum MapKind: String, Sendable { case gguf, runtime }

  /// A value of config.json under its aliases.
  package struct Parameter: Sendable {
    package enum Kind: String, Sendable { case integer, real, bool }
    package let name: String
    package let kind: Kind
    /// Paths with dots for nested keys, the first one present wins.
    package let keys: [String]
    package let minimum: Int?
    package let above: Double?
    package let defaultValue: Expression?
    /// The key to blame when the default cannot be computed.
    package let because: String?
  }

  /// Tensors that repeat once per layer, or stand alone.
  package struct Group: Sendable {
    /// The map it belongs to; nil for both.
    package let map: MapKind?
    package let source: String
    package let gguf: String
    package let count: Expression?
    package let condition: Expression?
    package let isDraft: Bool
    /// Modules that the runtime stacks over all layers of the group: source names and, from the root,
    /// the name of what they become.
    package let fusedAcross: [String: String]
    package let tensors: [Tensor]
  }

  /// One output tensor and what it is made of.
  package struct Tensor: Sendable {
    /// The map it belongs to; nil for both.
    package let map: MapKind?
    package let gguf: String
    package let role: String
    /// Outermost dimension first.
    package let shape: [Expression]
    /// The names in every dialect, the usual one first, relative to the group's prefix.
    package let names: [String]
    package let condition: Expression?
    package let isOptional: Bool
    package let isInteger: Bool
    package let permuteHeads: Expression?
    package let stack: Expression?
    package let fused: Fused?
    package let concatenate: [[String]]
    package let derivation: String?
    package let runtime: Runtime?
    /// With the names of norms behind the group's prefix.
    package let rotation: RuntimeRotation?
  }

  /// What Python runtimes do with a tensor.
  package struct Runtime: Sendable {
    /// Nil for what is no linear module.
    package let module: RuntimeModule.Kind?
    package let split: RuntimeModule.Split
    /// The module that it is loaded into together with others, behind the group's prefix.
    package let fused: String?
    package let floatReason: String?
    /// True where the name stands without the table's prefix.
    package let isBare: Bool
    /// Names, from the root, of the source that it repeats where the checkpoint lacks it.
    package let copies: [String]
  }

  /// One tensor that holds the rows of all experts, perhaps of two matrices.
  package struct Fused: Sendable {
    package let names: [String]
    /// Rows of one expert in the fused tensor.
    package let rows: Expression
    /// The first of them that is ours.
    package let first: Expression
  }

  /// Source tensors that the target has no use for, and why.
  package struct Drop: Sendable {
    /// The map that it is dropped from; nil for both.
    package let map: MapKind?
    package let patterns: [String]
    package let condition: Expression?
    package let reason: String
  }

  /// A GGUF key and where its value comes from.
  package struct Metadata: Sendable {
    package let key: String
    package let type: String
    package let value: String
    package let condition: Expression?
  }
}

extension ArchitectureTable {
  /// Every family Quern knows.
  package static let all: [ArchitectureTable] = Formats.architectures.compactMap {
    try? ArchitectureTable(parsing: $0)
  }

  /// Whether the family has a form in GGUF that Quern writes.
  package var supportsGGUF: Bool { targets.isEmpty || targets.contains("gguf") }

  /// Why a table of ours does not load; only tests see it.
  package struct Malformed: Error { package let what: String }

  package init(parsing bytes: [UInt8]) throws {
    guard let root = try JSONValue(parsing: bytes).object else { throw Malformed(what: "root") }
    architecture = try root.text("architecture")
    classes = root.texts("classes")
    modelTypes = root.texts("modelTypes")
    targets = root.texts("targets")
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
    minimum = object["minimum"]?.integer
    above = object["above"]?.real
    defaultValue = try object.formula("default")
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
