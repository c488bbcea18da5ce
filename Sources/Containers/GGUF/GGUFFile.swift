import QuernTensors

/// What a GGUF file says before its tensors' bytes, checked. No tensor is read.
///
/// Format and limits: `formats/containers/gguf/README.md`.
public struct GGUFFile: Sendable {
  public let path: String
  public let byteCount: Int
  public let version: UInt32
  /// In the order of the file.
  public let keyValues: [GGUFKeyValue]
  /// In the order of the file, which is also that of their bytes.
  public let tensors: [GGUFTensor]
  public let alignment: Int
  /// Where the tensors' bytes start.
  public let dataOffset: Int
  /// Bytes that belong to no tensor, behind the last one and its padding.
  public let trailingByteCount: Int

  private let keyPositions: [TensorName: Int]
  private let tensorPositions: [TensorName: Int]

  /// Everything before the tensors' bytes, with its padding.
  public var headerBytes: ByteRange { ByteRange(offset: 0, byteCount: dataOffset) }

  /// The value of a metadata key.
  public subscript(key: String) -> GGUFValue? {
    keyPositions[TensorName(key)].map { keyValues[$0].value }
  }

  public func tensor(named name: TensorName) -> GGUFTensor? {
    tensorPositions[name].map { tensors[$0] }
  }

  /// Reads and checks the metadata of the file at a path.
  public init(path: String) throws(GGUFError) {
    let file: InputFile
    do throws(FileError) { file = try InputFile(path: path) } catch { throw .unreadable(error) }
    try self.init(file)
  }

  /// Reads and checks the metadata of an open file.
  package init(_ file: InputFile) throws(GGUFError) {
    var parser = GGUFParser(file)
    try parser.parse()
    path = file.path
    byteCount = file.byteCount
    version = parser.version
    keyValues = parser.keyValues
    tensors = parser.tensors
    alignment = parser.alignment
    dataOffset = parser.dataOffset
    trailingByteCount = file.byteCount - parser.dataEnd
    keyPositions = parser.keyPositions
    tensorPositions = parser.tensorPositions
  }
}
