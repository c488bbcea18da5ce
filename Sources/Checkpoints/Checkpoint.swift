import QuernContainers
import QuernTensors

/// A model as files hold it: which tensors there are, in which encoding, in which file.
///
/// Opened from headers alone. What is wrong with single tensors is collected in `problems`, so that an
/// inspection can list all of it; a plan refuses a checkpoint that has any.
public struct Checkpoint: Sendable {
  public struct File: Sendable {
    /// Name in the folder.
    public let name: String
    package let path: String
    public let byteCount: Int
    /// Where the header ends and tensors begin.
    package let headerRange: ByteRange
  }

  public let folder: String
  public let repositoryID: String?
  public let revision: String?
  public let dialect: CheckpointDialect
  public let files: [File]
  package let stored: [StoredTensor]
  package var tensors: [SourceTensor]
  package let config: ModelConfig?
  /// The metadata of a GGUF file, which has no config.
  package var keyValues: [GGUFKeyValue] = []
  /// Whether Quern rotated the model's streams when it wrote the folder.
  package var isRotated = false

  /// What the headers of rotated weights say: no runtime asks for it, people who compare weights do.
  package static let rotationNote = (key: "quern.rotation", value: "hadamard-32")
  package let problems: [InputProblem]
  /// What is odd, but not wrong.
  public let warnings: [String]

  /// Opens a folder, a cached repository or a GGUF file, any part of a split one.
  ///
  /// - Throws: `CheckpointError` when nothing is there, a file cannot be read or a header is malformed.
  public static func open(
    _ argument: String, environment: [String: String]
  ) throws(CheckpointError) -> Checkpoint {
    let location = try CheckpointLocation(argument, environment: environment)
    guard FileSystem.isFolder(location.folder) else {
      if location.folder.hasSuffix(".gguf") { return try GGUFReader.read(location.folder) }
      throw .problem(
        InputProblem(
          file: argument, found: "a file",
          expected: "the folder of a checkpoint, or a .gguf (see also: inspect)"))
    }
    var reader = try CheckpointReader(location)
    return try reader.read()
  }

  /// Bytes of all tensors.
  public var tensorByteCount: Int { stored.reduce(0) { $0 + $1.range.byteCount } }
}
