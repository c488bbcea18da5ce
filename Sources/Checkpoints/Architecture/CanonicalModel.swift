import QuernContainers
import QuernTensors

/// A model as GGUF describes one, whatever dialect its files are in: tensors by their names in GGUF,
/// numbers by its keys. What reads models in this form reads every checkpoint.
package struct CanonicalModel: Sendable {
  package let checkpoint: Checkpoint
  /// What holds the draft model's tensors: a GGUF file has them in another beside it.
  package let draftCheckpoint: Checkpoint
  /// The `general.architecture` of GGUF.
  package let architecture: String
  /// The config's numbers; nil for a GGUF file.
  package let parameters: ModelParameters?
  private let values: [String: GGUFValue]
  private let main: [String: MappedTensor]
  private let draft: [String: MappedTensor]

  /// - Throws: `CheckpointError` for a checkpoint with problems, of an unknown family, with missing
  ///   tensors or wrong shapes.
  package init(_ checkpoint: Checkpoint) throws(CheckpointError) {
    if let problem = checkpoint.problems.first { throw .problem(problem) }
    self.checkpoint = checkpoint
    if checkpoint.dialect == .gguf {
      parameters = nil
      (values, architecture) = try Self.metadata(of: checkpoint)
      main = Self.tensors(of: checkpoint)
      let beside = try GGUFReader.draft(of: checkpoint)
      draft = beside.map(Self.tensors) ?? [:]
      draftCheckpoint = beside ?? checkpoint
      return
    }
    let parameters = try ModelFamily.parameters(of: checkpoint, keepsDraft: true)
    let map = try TensorMap(checkpoint: checkpoint, parameters: parameters)
    architecture = parameters.table.architecture
    do throws(InputProblem) {
      let keys = ArchitectureKeys(
        parameters: parameters, isDraft: false, fileType: 0,
        file: checkpoint.config?.path ?? checkpoint.folder)
      values = try keys.keyValues().reduce(into: [:]) { $0[$1.key] = $1.value }
    } catch { throw .problem(error) }
    self.parameters = parameters
    draftCheckpoint = checkpoint
    main = Self.byName(map.tensors.filter { !$0.isDraft })
    draft = Self.byName(map.tensors.filter(\.isDraft))
  }

  private static func byName(_ tensors: [MappedTensor]) -> [String: MappedTensor] {
    Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
  }

  private static func metadata(of checkpoint: Checkpoint) throws(CheckpointError) -> (
    [String: GGUFValue], architecture: String
  ) {
    let values = checkpoint.keyValues.reduce(into: [String: GGUFValue]()) { $0[$1.key] = $1.value }
    guard case .string(let name)? = values["general.architecture"] else {
      throw .problem(
        InputProblem(
          file: checkpoint.folder, field: "general.architecture",
          found: values["general.architecture"].map { "\($0)" } ?? "no such key",
          expected: "the name of a model family"))
    }
    return (values, name.text)
  }

  private static func tensors(of checkpoint: Checkpoint) -> [String: MappedTensor] {
    let roles = TensorRole.byGGUFName
    var result: [String: MappedTensor] = [:]
    for (index, tensor) in checkpoint.tensors.enumerated() {
      let name = tensor.name.text
      let parts = name.split(separator: ".")
      let bare = parts.first == "blk" ? parts.dropFirst(2).joined(separator: ".") : name
      let rows = SourceRows(tensor: index, firstRow: 0, rowCount: tensor.shape.rowCount)
      result[name] = MappedTensor(
        name: name, role: roles[bare] ?? .norm, shape: tensor.shape.dimensions,
        expression: .copy(rows), isInteger: !tensor.encoding.isFloatingPoint, isDraft: false)
    }
    return result
  }

  /// The tensor of a name; of the draft model's file where that is meant.
  package func tensor(_ name: String, isDraft: Bool = false) -> MappedTensor? {
    isDraft ? draft[name] : main[name]
  }

  /// All tensors but the draft model's, in the order of their names' bytes.
  package var tensors: [MappedTensor] {
    main.values.sorted { TensorName($0.name) < TensorName($1.name) }
  }

  /// Names of all tensors but the draft model's, sorted.
  package var tensorNames: [String] { main.keys.sorted() }

  package var hasDraft: Bool { !draft.isEmpty }

  /// The value of `ARCHITECTURE.KEY`.
  package func value(_ key: String) -> GGUFValue? { values["\(architecture).\(key)"] }

  /// The file that describes the model, for messages.
  package var descriptionFile: String { checkpoint.config?.path ?? checkpoint.folder }
}

extension TensorRole {
  /// The roles of tensors by their names in GGUF, without `blk.N.`, as the families' tables have them.
  fileprivate static let byGGUFName: [String: TensorRole] = ArchitectureTable.all
    .flatMap { $0.groups.flatMap(\.tensors) }
    .reduce(into: [:]) { $0[$1.gguf] = TensorRole(rawValue: $1.role) }
}
