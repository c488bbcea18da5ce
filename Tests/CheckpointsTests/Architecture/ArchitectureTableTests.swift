import QuernCheckpoints
import QuernFormats
import Testing

struct ArchitectureTableTests {
  static let architectures = [
    "LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Qwen2MoeForCausalLM",
    "Qwen3MoeForCausalLM", "MixtralForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV4ForCausalLM",
  ]

  private func table(_ name: String) throws -> ArchitectureTable {
    try #require(ArchitectureTable.all.first { $0.classes.contains(name) })
  }

  @Test func everyTableLoads() throws {
    for bytes in Formats.architectures { _ = try ArchitectureTable(parsing: bytes) }
    #expect(ArchitectureTable.all.flatMap(\.classes) == Self.architectures)
  }

  @Test func noClassOrModelTypeIsInTwoTables() {
    let classes = ArchitectureTable.all.flatMap(\.classes)
    let types = ArchitectureTable.all.flatMap(\.modelTypes)
    #expect(Set(classes).count == classes.count)
    #expect(Set(types).count == types.count)
    #expect(!classes.isEmpty && !types.isEmpty)
  }

  @Test(arguments: architectures)
  func everyRoleIsKnown(name: String) throws {
    for tensor in try table(name).groups.flatMap(\.tensors) {
      #expect(TensorRole(rawValue: tensor.role) != nil, "\(tensor.gguf): \(tensor.role)")
    }
  }

  /// GGUF names may have 63 bytes; three digits are for layers that no released model has.
  @Test(arguments: architectures)
  func ggufNamesFitAndAreUnique(name: String) throws {
    for isDraft in [false, true] {
      let groups = try table(name).groups.filter { $0.isDraft == isDraft && $0.map != .runtime }
      let all = groups.flatMap { group in
        group.tensors.filter { $0.map != .runtime }.map { expanded(group.gguf) + $0.gguf }
      }
      // A name that stands twice has a condition each time, and never the same.
      let entries = groups.flatMap { group in
        group.tensors.filter { $0.map != .runtime }.map {
          "\(expanded(group.gguf) + $0.gguf) \(String(describing: $0.condition))"
        }
      }
      #expect(Set(entries).count == entries.count)
      #expect(all.allSatisfy { (1...63).contains($0.utf8.count) })
    }
  }

  @Test(arguments: architectures)
  func noSourceNameMeansTwoTensors(name: String) throws {
    for isDraft in [false, true] {
      // Groups under different counts are of different kinds of draft: never in one model.
      var seen: Set<[String]> = []
      for group in try table(name).groups where group.isDraft == isDraft {
        // What GGUF alone has may be a part of what a runtime has, or repeat it.
        for tensor in group.tensors where tensor.map != .gguf {
          let names = tensor.names + tensor.concatenate.flatMap { $0 }
          for source in names {
            let key = ["\(String(describing: group.count))", expanded(group.source) + source]
            #expect(seen.insert(key).inserted || group.condition != nil, "\(source)")
          }
          #expect(!names.isEmpty || tensor.derivation != nil, "\(tensor.gguf)")
        }
      }
    }
  }

  /// A misspelled name in a formula would only fail on the model that reaches it.
  @Test(arguments: architectures)
  func formulasUseNamesThatTheTableDefines(name: String) throws {
    let table = try table(name)
    var known = Set(table.parameters.map(\.name))
    known.formUnion([
      "index", "ratio", "stages", "dspark", "blocks", "file_type", "draft", "keep_draft",
      "llama3_rope", "hash_layers_of_types", "rotary_dimensions",
      "dspark_stages", "dspark_targets", "sparse_layers", "dense_layers", "yarn_log_multiplier",
      "yarn_mscales_differ",
    ])
    let formulas =
      table.groups.flatMap { group in
        [group.count, group.condition]
          + group.tensors.flatMap { tensor in
            tensor.shape.map(Optional.some)
              + [
                tensor.condition, tensor.permuteHeads, tensor.stack, tensor.fused?.rows,
                tensor.fused?.first, tensor.heads?.rows, tensor.heads?.first,
              ]
          }
      } + table.parameters.flatMap { [$0.defaultValue, $0.nullValue] }
      + table.drops.map(\.condition)
      + table.metadata.map(\.condition) + table.limits.map(\.condition)
    for formula in formulas.compactMap({ $0 }) {
      #expect(names(in: formula).subtracting(known).isEmpty, "\(formula)")
    }
  }

  @Test(arguments: architectures)
  func metadataKeysAreUniqueAndTheirValuesKnown(name: String) throws {
    let table = try table(name)
    let keys = table.metadata.map(\.key)
    #expect(Set(keys).count == keys.count)
    let types: Set = ["u32", "f32", "f32[blocks]", "i32[]", "bool", "rope-scaling"]
    let reals = Set(table.parameters.filter { $0.kind == .real }.map(\.name))
      .union(["yarn_log_multiplier"])
    for entry in table.metadata {
      #expect(types.contains(entry.type), "\(entry.key)")
      if entry.type.hasPrefix("f32") { #expect(reals.contains(entry.value), "\(entry.key)") }
      if entry.type == "u32" || entry.type == "bool" {
        #expect(throws: Never.self) { try Expression(parsing: entry.value) }
      }
    }
  }

  /// What cannot be said is refused, or told: never neither.
  @Test(arguments: architectures)
  func everyLimitHasWords(name: String) throws {
    for limit in try table(name).limits {
      #expect((limit.expected == nil) != (limit.warning == nil), "\(limit.field)")
    }
  }

  @Test(arguments: ["[]", "{}", #"{"architecture": "x"}"#, "nonsense"])
  func aTableThatLacksAFieldDoesNotLoad(text: String) {
    #expect(throws: (any Error).self) { try ArchitectureTable(parsing: Array(text.utf8)) }
  }

  private func expanded(_ text: String) -> String {
    text.replacing("{layer}", with: "999").replacing("{index}", with: "999")
  }

  private func names(in formula: Expression) -> Set<String> {
    switch formula {
    case .literal: []
    case .name(let name), .given(let name): [name]
    case .element(let name, let index): names(in: index).union([name])
    case .not(let operand): names(in: operand)
    case .binary(_, let left, let right): names(in: left).union(names(in: right))
    }
  }
}
