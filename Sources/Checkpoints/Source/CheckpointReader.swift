import QuernContainers
import QuernTensors

/// Opens a Hugging Face folder: config, index or shards, every header.
struct CheckpointReader {
  private let location: CheckpointLocation
  private let folder: ModelFolder
  private var warnings: [String] = []

  init(_ location: CheckpointLocation) throws(CheckpointError) {
    self.location = location
    do throws(FileError) {
      folder = try ModelFolder(location.folder)
    } catch { throw .file(error) }
  }

  mutating func read() throws(CheckpointError) -> Checkpoint {
    let shardNames: [String]
    let index: ShardIndex?
    if folder.contains("model.safetensors.index.json") {
      let path = try folder.path(of: "model.safetensors.index.json")
      let read = try ShardIndex(path: path)
      try checkShardsExist(read.shards)
      (index, shardNames) = (read, read.shards.sorted())
    } else {
      (index, shardNames) = (nil, try shardsWithoutIndex())
    }
    var files: [Checkpoint.File] = []
    var stored: [StoredTensor] = []
    for name in shardNames {
      let file = try open(name)
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
    if let index { try compare(index, stored: stored, files: files) }
    try checkNoDuplicates(stored, files: files)
    let config = try ModelConfig.read(in: folder)
    let pairing = ScalePairing(
      stored: stored, files: files.map(\.path),
      blockShape: config?.weightBlockShape ?? (rows: 128, columns: 128))
    return Checkpoint(
      folder: location.folder, repositoryID: location.repositoryID, revision: location.revision,
      files: files, stored: stored, tensors: pairing.tensors, config: config,
      problems: pairing.problems, warnings: warnings)
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

  private func checkShardsExist(_ shards: [String]) throws(CheckpointError) {
    let missing = shards.filter { !folder.contains($0) }.sorted()
    guard missing.isEmpty else {
      throw .problem(
        InputProblem(
          file: folder.path + "/model.safetensors.index.json", field: "weight_map",
          found:
            "shards that are not there: \(missing.map(\.escapedForDisplay).joined(separator: ", "))",
          expected: "every shard in the folder"))
    }
  }

  /// An unlisted tensor is used all the same, with a warning; a listed one that is not where the index
  /// says is a broken download.
  private mutating func compare(
    _ index: ShardIndex, stored: [StoredTensor], files: [Checkpoint.File]
  )
    throws(CheckpointError)
  {
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
          expected: "what model.safetensors.index.json lists"))
    }
    if let declared = index.totalByteCount, declared != total {
      warnings.append("the index says total_size \(declared), the tensors have \(total) bytes")
    }
  }

  private func checkNoDuplicates(_ stored: [StoredTensor], files: [Checkpoint.File])
    throws(CheckpointError)
  {
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
