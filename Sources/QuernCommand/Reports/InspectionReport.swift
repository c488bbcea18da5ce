import Quern

/// What a file or folder holds, whatever kind it is.
struct InspectionReport {
  struct Tensor {
    let name: String
    let encoding: String
    let shape: Shape
    let byteCount: Int
    /// Which of the files.
    let file: Int
  }

  struct File {
    let name: String
    let byteCount: Int
  }

  /// `checkpoint`, `gguf` or `safetensors`.
  let kind: String
  let path: String
  let architecture: String?
  /// Facts of the file as a whole: repository, version, alignment.
  let facts: [(key: String, value: String)]
  let metadata: [GGUFKeyValue]
  let files: [File]
  let tensors: [Tensor]
  /// What is worth knowing.
  let notes: [String]
  /// What is wrong.
  let problems: [String]

  /// Weights; the product of a tensor's dimensions fits, its header was checked.
  var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.elementCount } }
  var tensorByteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Encodings with what they hold, the one with most bytes first.
  var encodings: [(name: String, tensorCount: Int, elementCount: Int, byteCount: Int)] {
    Dictionary(grouping: tensors, by: \.encoding).map { name, tensors in
      (
        name, tensors.count, tensors.reduce(0) { $0 + $1.shape.elementCount },
        tensors.reduce(0) { $0 + $1.byteCount }
      )
    }.sorted { ($0.3, $1.0) > ($1.3, $0.0) }
  }
}

extension InspectionReport {
  init(_ file: SafetensorsFile) {
    self.init(
      kind: "safetensors", path: file.path, architecture: nil,
      facts: file.metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, metadata: [],
      files: [File(name: file.path, byteCount: file.byteCount)],
      tensors: file.tensors.map {
        Tensor(
          name: $0.name.text, encoding: $0.elementType.rawValue, shape: $0.shape,
          byteCount: $0.range.byteCount, file: 0)
      },
      notes: [], problems: [])
  }

  init(_ file: GGUFFile) {
    var architecture: String?
    if case .string(let text) = file["general.architecture"] { architecture = text.text }
    self.init(
      kind: "gguf", path: file.path, architecture: architecture,
      facts: [("version", "\(file.version)"), ("alignment", "\(file.alignment)")],
      metadata: file.keyValues, files: [File(name: file.path, byteCount: file.byteCount)],
      tensors: file.tensors.map {
        Tensor(
          name: $0.name.text, encoding: $0.type.name, shape: $0.shape,
          byteCount: $0.range.byteCount, file: 0)
      },
      notes: file.trailingByteCount > 0
        ? ["\(file.trailingByteCount) bytes follow the last tensor"] : [],
      problems: [])
  }

  init(_ checkpoint: Checkpoint) {
    var facts: [(String, String)] = []
    if let repository = checkpoint.repositoryID { facts.append(("repository", repository)) }
    if let revision = checkpoint.revision { facts.append(("revision", revision)) }
    if checkpoint.dialect != .huggingFace {
      facts.append(("dialect", "\(checkpoint.dialect)"))
    }
    let (architecture, notes, problem) = Self.examine(checkpoint)
    self.init(
      kind: "checkpoint", path: checkpoint.folder, architecture: architecture, facts: facts,
      metadata: [], files: checkpoint.files.map { File(name: $0.name, byteCount: $0.byteCount) },
      tensors: checkpoint.tensors.map {
        Tensor(
          name: $0.name.text, encoding: $0.encoding.description, shape: $0.shape,
          byteCount: $0.byteCount, file: $0.codes.file)
      },
      notes: checkpoint.warnings + notes,
      problems: checkpoint.problems.map(\.description)
        + [Self.scaleProblem(checkpoint), problem].compactMap { $0 })
  }

  /// The first scale that is NaN or infinite, among those that a plan reads.
  private static func scaleProblem(_ checkpoint: Checkpoint) -> String? {
    do throws(CheckpointError) {
      _ = try ScaleSurvey(checkpoint, pool: FilePool())
      return nil
    } catch { return error.description }
  }

  /// The family, whether its table accounts for every tensor, and what speaks against it. A model
  /// that no table knows is no problem of the checkpoint.
  private static func examine(_ checkpoint: Checkpoint) -> (
    architecture: String?, notes: [String], problem: String?
  ) {
    guard let config = checkpoint.config else {
      return (nil, ["config.json is missing: tensors are shown, nothing can be converted"], nil)
    }
    let table: ArchitectureTable
    do throws(InputProblem) {
      table = try ModelFamily.table(for: config)
    } catch { return (nil, ["no table for this model: \(error)"], nil) }
    // Without their scales, weights are missing from the map too: once is enough.
    guard checkpoint.problems.isEmpty else { return (table.architecture, [], nil) }
    do throws(CheckpointError) {
      let parameters = try ModelFamily.parameters(of: checkpoint, keepsDraft: true)
      let dropped = try TensorMap(checkpoint: checkpoint, parameters: parameters).dropped
      let reasons = Dictionary(grouping: dropped, by: \.reason).sorted { $0.key < $1.key }
      let notes = reasons.map { "\(String.counted($1.count, "tensor")) would be dropped: \($0)" }
      return (table.architecture, notes, nil)
    } catch { return (table.architecture, [], error.description) }
  }
}
