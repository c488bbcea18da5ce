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
  /// A prefix that source names may carry (`model.`).
  package let optionalPrefix: String
  package let parameters: [Parameter]
  package let groups: [Group]
  package let drops: [Drop]
  package let metadata: [Metadata]
  package let ropeScaling: [String]
  package let looksForSentencePiece: Bool

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
    package let source: String
    package let gguf: String
    package let count: Expression?
    package let isDraft: Bool
    package let tensors: [Tensor]
  }

  /// One output tensor and what it is made of.
  package struct Tensor: Sendable {
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

  /// Why a table of ours does not load; only tests see it.
  package struct Malformed: Error { package let what: String }

  package init(parsing bytes: [UInt8]) throws {
    guard let root = try JSONValue(parsing: bytes).object else { throw Malformed(what: "root") }
    architecture = try root.text("architecture")
    classes = root.texts("classes")
    modelTypes = root.texts("modelTypes")
    optionalPrefix = try root.text("optionalPrefix")
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
    source = try object.text("source")
    gguf = try object.text("gguf")
    count = try object.formula("count")
    isDraft = object["file"]?.string == "draft"
    self.tensors = try tensors.map(ArchitectureTable.Tensor.init)
  }
}

extension ArchitectureTable.Tensor {
  fileprivate init(_ object: JSONObject) throws {
    gguf = try object.text("gguf")
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
