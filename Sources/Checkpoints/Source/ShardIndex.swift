import QuernContainers
import QuernTensors

/// `model.safetensors.index.json`: which tensor is in which shard.
struct ShardIndex {
  /// Shard names in order of first appearance.
  private(set) var shards: [String] = []
  /// The shard of each tensor, as a position in `shards`.
  private(set) var shardOfTensor: [TensorName: Int] = [:]
  private(set) var totalByteCount: Int?

  /// An index of a terabyte model is 15 MB; a hundred times that is not an index.
  private static let maximumByteCount = 512 << 20

  init(path: String) throws(CheckpointError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(of: path, limit: Self.maximumByteCount)
    } catch { throw .file(error) }
    var scanner = JSONScanner(bytes)
    do throws(JSONError) {
      try read(&scanner)
      try scanner.end()
    } catch {
      throw .problem(
        InputProblem(file: path, found: "malformed JSON, \(error)", expected: "a safetensors index")
      )
    }
    guard !shardOfTensor.isEmpty else {
      throw .problem(
        InputProblem(
          file: path, field: "weight_map", found: "no tensors", expected: "tensor names and shards")
      )
    }
    for shard in shards { try Self.check(shard, in: path) }
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(JSONError) {
    try scanner.beginObject()
    while let key = try scanner.nextKey() {
      switch key {
      case "weight_map": try readMap(&scanner)
      case "metadata": try readMetadata(&scanner)
      default: try scanner.skipValue()
      }
    }
  }

  private mutating func readMap(_ scanner: inout JSONScanner) throws(JSONError) {
    var positions: [String: Int] = [:]
    try scanner.beginObject()
    while let tensor = try scanner.nextKey() {
      let shard = try scanner.string()
      let position = positions[shard] ?? shards.count
      if position == shards.count {
        positions[shard] = position
        shards.append(shard)
      }
      shardOfTensor[TensorName(tensor)] = position
    }
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws(JSONError) {
    guard try scanner.peek() == .object else { return try scanner.skipValue() }
    try scanner.beginObject()
    while let key = try scanner.nextKey() {
      if key == "total_size", try scanner.peek() == .number {
        // Some writers store a float; a number that is not a count cannot match one either.
        totalByteCount = try scanner.number().integer
      } else {
        try scanner.skipValue()
      }
    }
  }

  /// A shard is a file name in the same folder: anything else could make a model of other files.
  private static func check(_ shard: String, in path: String) throws(CheckpointError) {
    let isPlain =
      !shard.isEmpty && !shard.contains("/") && !shard.contains("\\") && !shard.contains("\0")
      && shard != "." && shard != ".." && !shard.contains(":")
    guard isPlain else {
      throw .problem(
        InputProblem(
          file: path, field: "weight_map", found: "the shard \"\(shard.escapedForDisplay)\"",
          expected: "the name of a file in the same folder"))
    }
    guard shard.hasSuffix(".safetensors") else {
      throw .problem(
        InputProblem(
          file: path, field: "weight_map", found: "the shard \"\(shard.escapedForDisplay)\"",
          expected: "a .safetensors file"))
    }
  }
}
