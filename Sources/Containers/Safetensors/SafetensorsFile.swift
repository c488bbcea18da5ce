import QuernTensors

/// What the header of a safetensors file says, checked: every byte of the payload belongs to
/// exactly one tensor. No tensor is read.
///
/// Format: `formats/containers/safetensors/README.md`.
public struct SafetensorsFile: Sendable {
  /// A longer header is refused, as the reference implementation does.
  public static let maximumHeaderByteCount = 100_000_000

  public let path: String
  public let byteCount: Int
  /// The length word and the header with its padding: the bytes that say what the file holds.
  public let headerBytes: ByteRange
  public let metadata: [String: String]
  /// In the order of the payload.
  public let tensors: [SafetensorsTensor]

  /// Reads and checks the header of the file at a path.
  public init(path: String) throws(SafetensorsError) {
    let file: InputFile
    do throws(FileError) { file = try InputFile(path: path) } catch { throw .unreadable(error) }
    try self.init(file)
  }

  /// Reads and checks the header of an open file.
  package init(_ file: InputFile) throws(SafetensorsError) {
    path = file.path
    byteCount = file.byteCount
    headerBytes = try Self.locateHeader(file)
    let text = try Self.read(
      file, ByteRange(offset: 8, byteCount: headerBytes.byteCount - 8))
    guard text.first == UInt8(ascii: "{") else {
      throw try Self.defect(
        file, byteOffset: 8, found: "byte 0x" + String(text.first ?? 0, radix: 16),
        expected: "a header that starts with '{'")
    }
    var parser = SafetensorsHeaderParser(
      file: file.path, text: text, payload: headerBytes.end..<file.byteCount)
    try parser.parse()
    metadata = parser.metadata
    tensors = parser.tensors
  }

  /// Reads the length word and checks that the header it announces lies in the file.
  private static func locateHeader(_ file: InputFile) throws(SafetensorsError) -> ByteRange {
    guard file.byteCount >= 8 else {
      throw try defect(
        file, byteOffset: nil, found: "a file of \(file.byteCount) bytes",
        expected: "at least the 8 bytes of the header's length")
    }
    let word = try read(file, ByteRange(offset: 0, byteCount: 8))
    let length = word.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let limit = min(maximumHeaderByteCount, file.byteCount - 8)
    guard length > 0, length <= UInt64(limit) else {
      throw try defect(
        file, byteOffset: 0, found: "a header length of \(length) bytes",
        expected: limit < maximumHeaderByteCount
          ? "1 to \(limit), as many as follow" : "1 to \(maximumHeaderByteCount)")
    }
    return ByteRange(offset: 0, byteCount: 8 + Int(length))
  }

  private static func read(_ file: InputFile, _ range: ByteRange) throws(SafetensorsError)
    -> [UInt8]
  {
    do throws(FileError) {
      return try file.bytes(in: range)
    } catch {
      throw .unreadable(error)
    }
  }

  /// A defect of the file as a whole; its first bytes may tell what it really is.
  private static func defect(
    _ file: InputFile, byteOffset: Int?, found: String, expected: String
  ) throws(SafetensorsError) -> SafetensorsError {
    let count = min(FileSignature.byteCount, file.byteCount)
    let start = try read(file, ByteRange(offset: 0, byteCount: count))
    return .malformed(
      InputProblem(
        file: file.path, field: "header", byteOffset: byteOffset, found: found,
        expected: expected, hint: FileSignature.hint(for: start)))
  }
}
