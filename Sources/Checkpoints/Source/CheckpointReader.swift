import QuernContainers
import QuernTensors

/// Opens a folder: config, index or shards, every header, and joins what its dialect says belongs
/// together.
struct CheckpointReader {
  private let location: CheckpointLocation
  private let folder: ModelFolder
  private var warnings: [String] = []
  private var files: [Checkpoint.File] = []
  private var stored: [StoredTensor] = []
  private var isRotated = false

  init(_ location: CheckpointLocation) throws(CheckpointError) {
    self.location = location
    do throws(FileError) {
      folder = try ModelFolder(location.folder)
    } catch { throw .file(error) }
  }

  mutating func read() throws(CheckpointError) -> Checkpoint {
    let isAscend = folder.contains(AscendDescription.fileName)
    let indexName =
      isAscend ? "quant_model_weights.safetensors.index.json" : "model.safetensors.index.json"
    try readShards(isAscend: isAscend, indexName: indexName)
    let config = try ModelConfig.read(in: folder)
    let dialect = try dialect(isAscend: isAscend, config)
    var paired = try pair(dialect, config)
    if isAscend { paired.problems += staleIndex() }
    return Checkpoint(
      folder: location.folder, repositoryID: location.repositoryID, revision: location.revision,
      dialect: dialect, files: files, stored: stored, tensors: paired.tensors, config: config,
      isRotated: isRotated, problems: paired.problems, warnings: warnings + paired.warnings)
  }

  private mutating func dialect(isAscend: Bool, _ config: ModelConfig?) throws(CheckpointError)
    -> CheckpointDialect
  {
    guard isAscend else {
      switch config?.quantizationMethod {
      case .compressedTensors: return .compressedTensors
      case .ascend:
        throw .problem(
          InputProblem(
            file: folder.path + "/" + AscendDescription.fileName, found: "no such file",
            expected: "the types of all tensors: config.json says the method is ascend"))
      case .fp8, nil: return .huggingFace
      }
    }
    if let method = config?.quantizationMethod, method != .ascend {
      warnings.append(
        "config.json says the method is \(method.rawValue); \(AscendDescription.fileName) counts")
    }
    return .ascend
  }

  private func pair(_ dialect: CheckpointDialect, _ config: ModelConfig?) throws(CheckpointError)
    -> PairedTensors
  {
    switch dialect {
    case .huggingFace, .gguf:
      let pairing = ScalePairing(
        stored: stored, files: files.map(\.path),
        blockShape: config?.weightBlockShape ?? (rows: 128, columns: 128))
      return PairedTensors(tensors: pairing.tensors, problems: pairing.problems)
    case .ascend:
      return AscendFolder(
        stored: stored, files: files.map(\.path), description: try AscendDescription(in: folder),
        blockShape: config?.weightBlockShape ?? (rows: 128, columns: 128)
      ).paired
    case .compressedTensors:
      guard let config else { return PairedTensors() }
      let scheme: CompressedTensorsConfig
      do throws(InputProblem) {
        scheme = try CompressedTensorsConfig(config)
      } catch { throw .problem(error) }
      return try CompressedTensorsFolder(
        stored: stored, files: files.map(\.path), config: scheme
      ).paired
    }
  }

  // MARK: Shards

  private mutating func readShards(isAscend: Bool, indexName: String) throws(CheckpointError) {
    let index: ShardIndex?
    let shardNames: [String]
    if folder.contains(indexName) {
      let read = try ShardIndex(path: try folder.path(of: indexName))
      try checkShardsExist(read.shards, indexName: indexName)
      (index, shardNames) = (read, isAscend ? try allShards() : read.shards.sorted())
    } else {
      (index, shardNames) = (nil, isAscend ? try allShards() : try shardsWithoutIndex())
    }
    for name in shardNames {
      let file = try open(name)
      let note = Checkpoint.rotationNote
      isRotated = isRotated || file.metadata[note.key] == note.value
      for tensor in file.tensors {
        stored.append(
          StoredTensor(
            name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
            file: files.count, range: tensor.range))
      }
      files.append(
        Checkpoint.File(
          name: name, path: file.path, byteCount: file.byteCount,
          headerRange: ByteRange(offset: 0, byteCount: file.headerBytes.byteCount)))
    }
    if let index { try compare(index, indexName: indexName) }
    try checkNoDuplicates()
  }

  /// vLLM reads every shard of an ascend folder, whatever an index says.
  private func allShards() throws(CheckpointError) -> [String] {
    let shards = folder.names.filter { $0.hasSuffix(".safetensors") }
    guard !shards.isEmpty else { throw noWeights() }
    return shards.sorted()
  }

  /// vLLM leaves out the shards that an index of this name does not list, in an ascend folder too.
  private func staleIndex() -> [InputProblem] {
    let name = "model.safetensors.index.json"
    guard folder.contains(name) else { return [] }
    return [
      InputProblem(
        file: folder.path + "/" + name, found: "the index of another checkpoint",
        expected: "no such file: vLLM would read no shards but those it lists")
    ]
  }

  private func open(_ name: String) throws(CheckpointError) -> SafetensorsFile {
    let path = try folder.path(of: name)
    do throws(SafetensorsError) {
      return try SafetensorsFile(path: path)
    } catch { throw .safetensors(error) }
  }

  private mutating func shardsWithoutIndex() throws(CheckpointError) -> [String] {
    let shards = folder.names.filter { $0.hasSuffix(".safetensors") }
    if shards.contains("model.safetensors") {
      if shards.count > 1 {
        warnings.append("no index: model.safetensors is read, the other shards are not")
      }
      return ["model.safetensors"]
    }
    guard !shards.isEmpty else { throw noWeights() }
    warnings.append(
      "model.safetensors.index.json is missing: the tensors of all \(shards.count) shards are read")
    return shards.sorted()
  }

  private func noWeights() -> CheckpointError {
    let pickles = folder.names.filter { name in
      [".bin", ".pt", ".pth", ".ckpt", ".pkl"].contains { name.hasSuffix($0) }
    }
    if let pickle = pickles.first {
      return .problem(
        InputProblem(
          file: folder.path + "/" + pickle, found: "weights in Python's pickle format",
          expected:
            "safetensors: a pickle can run code when it is read; convert it with a tool you trust"))
    }
    return .notFound(path: folder.path, hint: "the folder holds no .safetensors file")
  }

  private func checkShardsExist(_ shards: [String], indexName: String) throws(CheckpointError) {
    let missing = shards.filter { !folder.contains($0) }.sorted()
    guard missing.isEmpty else {
      throw .problem(
        InputProblem(
          file: folder.path + "/" + indexName, field: "weight_map",
          found:
            "shards that are not there: \(missing.map(\.escapedForDisplay).joined(separator: ", "))",
          expected: "every shard in the folder"))
    }
  }

  /// An unlisted tensor is used all the same, with a warning; a listed one that is not where the index
  /// says is a broken download.
  private mutating func compare(_ index: ShardIndex, indexName: String) throws(CheckpointError) {
    var found: Set<TensorName> = []
    var total = 0
    for tensor in stored {
      total += tensor.range.byteCount
      guard let shard = index.shardOfTensor[tensor.name] else {
        warnings.append(
          "\(files[tensor.file].name) holds \(tensor.name.text.escapedForDisplay), which the index does not list"
        )
        continue
      }
      if index.shards[shard] == files[tensor.file].name { found.insert(tensor.name) }
    }
    let lost = index.shardOfTensor.filter { !found.contains($0.key) }.sorted { $0.key < $1.key }
    if let first = lost.first {
      throw .problem(
        InputProblem(
          file: folder.path + "/" + index.shards[first.value], tensor: first.key,
          found: lost.count == 1
            ? "no such tensor" : "no such tensor (nor \(lost.count - 1) others)",
          expected: "what \(indexName) lists"))
    }
    if let declared = index.totalByteCount, declared != total {
      warnings.append("the index says total_size \(declared), the tensors have \(total) bytes")
    }
  }

  private func checkNoDuplicates() throws(CheckpointError) {
    var seen: [TensorName: Int] = [:]
    for tensor in stored {
      if let other = seen.updateValue(tensor.file, forKey: tensor.name) {
        throw .problem(
          InputProblem(
            file: files[tensor.file].path, tensor: tensor.name,
            found: "the same tensor as in \(files[other].name)", expected: "each tensor once"))
      }
    }
  }
}
