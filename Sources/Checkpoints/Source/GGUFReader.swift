import QuernContainers
import QuernQuantization
import QuernTensors

/// Opens a GGUF file as a checkpoint, with all its parts where it is split.
struct GGUFReader {
  private var files: [Checkpoint.File] = []
  private var stored: [StoredTensor] = []
  private var tensors: [SourceTensor] = []
  private var problems: [InputProblem] = []
  private var keyValues: [GGUFKeyValue] = []

  /// - Throws: `CheckpointError` for a file that is missing, unreadable or malformed, and for names
  ///   that stand twice.
  static func read(_ path: String) throws(CheckpointError) -> Checkpoint {
    var reader = GGUFReader()
    for part in parts(of: path) { try reader.add(part) }
    try reader.pairFactors(path)
    return Checkpoint(
      folder: path, repositoryID: nil, revision: nil, dialect: .gguf, files: reader.files,
      stored: reader.stored, tensors: reader.tensors, config: nil, keyValues: reader.keyValues,
      problems: reader.problems, warnings: [])
  }

  /// The file `NAME.mtp.gguf` beside `NAME.gguf`, which holds the draft model; nil where there is none.
  ///
  /// - Throws: `CheckpointError` for one that cannot be read.
  static func draft(of checkpoint: Checkpoint) throws(CheckpointError) -> Checkpoint? {
    let (path, suffix) = (checkpoint.folder, ".gguf")
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let base = GGUFSplitName(parsing: name)?.prefix ?? String(name.dropLast(suffix.count))
    let draft = path.dropLast(name.utf8.count) + base + ".mtp" + suffix
    guard FileSystem.exists(draft) else { return nil }
    let opened = try read(draft)
    if let problem = opened.problems.first { throw .problem(problem) }
    return opened
  }

  private static func parts(of path: String) -> [String] {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let split = GGUFSplitName(parsing: name) else { return [path] }
    let folder = path.dropLast(name.utf8.count)
    return (1...split.count).map {
      folder + GGUFSplitName(prefix: split.prefix, number: $0, count: split.count).description
    }
  }

  private mutating func add(_ path: String) throws(CheckpointError) {
    let file: GGUFFile
    do throws(GGUFError) { file = try GGUFFile(path: path) } catch { throw .gguf(error) }
    // The first part has the model's metadata, the others that of their place only.
    if files.isEmpty { keyValues = file.keyValues }
    for tensor in file.tensors { add(tensor, path) }
    files.append(
      Checkpoint.File(
        name: path.split(separator: "/").last.map(String.init) ?? path, path: path,
        byteCount: file.byteCount, headerRange: file.headerBytes))
  }

  private mutating func add(_ tensor: GGUFTensor, _ path: String) {
    let shape = tensor.shape
    let codes = StoredTensor(
      name: tensor.name, elementType: .u8,
      shape: Shape([
        shape.rowCount, shape.rowCount == 0 ? 0 : tensor.range.byteCount / shape.rowCount,
      ]),
      file: files.count, range: tensor.range)
    stored.append(codes)
    guard let encoding = Self.encoding(of: tensor.type) else {
      problems.append(
        InputProblem(
          file: path, tensor: tensor.name, field: "type", found: tensor.type.name,
          expected: "a type that Quern decodes"))
      return
    }
    tensors.append(
      SourceTensor(name: tensor.name, encoding: encoding, shape: shape, codes: codes, scale: nil))
  }

  private static func encoding(of type: GGMLType) -> SourceEncoding? {
    switch type {
    case .f32: .plain(.f32)
    case .f16: .plain(.f16)
    case .bf16: .plain(.bf16)
    case .i32: .plain(.i32)
    default: NumberFormat(ggmlTypeID: type.id).map(SourceEncoding.blocks)
    }
  }

  /// Joins `NAME.scale`, the factors of NVFP4 blocks, with `NAME.weight`.
  private mutating func pairFactors(_ path: String) throws(CheckpointError) {
    var positions: [TensorName: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      guard positions.updateValue(index, forKey: tensor.name) == nil else {
        throw .problem(
          InputProblem(
            file: path, tensor: tensor.name, field: "name", found: "the name in two parts",
            expected: "each name once"))
      }
    }
    var factors: Set<TensorName> = []
    for index in tensors.indices where tensors[index].encoding == .blocks(.nvfp4) {
      let name = tensors[index].name.text
      guard name.hasSuffix(".weight"),
        let place = positions[TensorName(name.dropLast("weight".count) + "scale")]
      else { continue }
      let factor = tensors[place]
      let count = factor.shape.elementCount
      guard factor.encoding == .plain(.f32), count > 0, tensors[index].shape.rowCount % count == 0
      else {
        throw .problem(
          InputProblem(
            file: path, tensor: factor.name, field: "shape",
            found: "\(factor.encoding) \(factor.shape)",
            expected: "an F32 for each part of its weight"))
      }
      tensors[index].scale = StoredTensor(
        name: factor.name, elementType: .f32, shape: Shape([count, 1]), file: factor.codes.file,
        range: factor.codes.range)
      factors.insert(factor.name)
    }
    tensors.removeAll { factors.contains($0.name) }
  }
}
