import QuernTensors

/// Files of token ids: one sequence, or several.
///
/// The content decides the format, not the name: a NumPy array (its magic), JSON (a list of ids or a
/// list of lists), anything else is ids as little-endian 32-bit unsigned integers. JSON is a text
/// whose first character is `[` and whose first four bytes hold no zero; every raw file has a zero
/// there, as no vocabulary has 2²⁴ tokens.
/// Format: `formats/containers/npy/README.md`.
public enum TokenFile {
  /// Larger files are refused: 64 million raw ids are more than anyone runs.
  public static let maximumByteCount = 1 << 28

  /// Reads every sequence of a file. There is at least one, and none is empty.
  ///
  /// - Throws: `TokenFileError` naming the sequence and the position of the first id that is none.
  public static func read(_ path: String) throws(TokenFileError) -> [[UInt32]] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(of: path, limit: maximumByteCount)
    } catch { throw .unreadable(error) }
    guard !bytes.isEmpty else {
      throw problem(path, "size", found: "an empty file", expected: "at least one token id")
    }
    if bytes.starts(with: NPYHeader.magic) { return try array(bytes, path) }
    if isJSON(bytes) { return try list(bytes, path) }
    return [try raw(bytes, path)]
  }

  private static func isJSON(_ bytes: [UInt8]) -> Bool {
    let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    return first == UInt8(ascii: "[") && !bytes.prefix(4).contains(0)
  }

  // MARK: Raw

  private static func raw(_ bytes: [UInt8], _ path: String) throws(TokenFileError) -> [UInt32] {
    let hint = bytes.prefix(4).contains(0) ? nil : FileSignature.hint(for: Array(bytes.prefix(64)))
    guard bytes.count % 4 == 0, hint == nil else {
      throw problem(
        path, "size", found: "\(bytes.count) bytes that are neither a NumPy array nor JSON",
        expected: "token ids of 4 bytes each", hint: hint)
    }
    return bytes.withUnsafeBytes { bytes in
      (0..<(bytes.count / 4)).map { bytes.littleEndianUInt32(at: 4 * $0) }
    }
  }

  // MARK: NumPy

  private static func array(_ bytes: [UInt8], _ path: String) throws(TokenFileError) -> [[UInt32]] {
    let header: NPYHeader
    do throws(NPYError) {
      header = try NPYHeader(bytes, byteCount: bytes.count, file: path)
    } catch { throw TokenFileError(error) }
    guard (1...2).contains(header.shape.count), header.elementCount > 0 else {
      throw problem(
        path, "shape", found: "\(header.shape)",
        expected: "one sequence (rank 1) or several (rank 2), none of them empty")
    }
    let width = header.shape[header.shape.count - 1]
    let rowCount = header.elementCount / width
    let steps = header.isColumnMajor ? (row: 1, column: rowCount) : (row: width, column: 1)
    var rows: [[UInt32]] = []
    for row in 0..<rowCount {
      var ids: [UInt32] = []
      ids.reserveCapacity(width)
      for column in 0..<width {
        let element = row * steps.row + column * steps.column
        let offset = header.dataOffset + element * header.element.byteCount
        guard let id = header.element.id(in: bytes, at: offset) else {
          let found = header.element.text(in: bytes, at: offset)
          throw problem(path, "sequence \(row), position \(column)", found: found, expected: anID)
        }
        ids.append(id)
      }
      rows.append(ids)
    }
    return rows
  }

  // MARK: JSON

  private static func list(_ bytes: [UInt8], _ path: String) throws(TokenFileError) -> [[UInt32]] {
    var scanner = JSONScanner(bytes)
    do throws(JSONError) {
      return try sequences(&scanner)
    } catch {
      throw .malformed(
        InputProblem(
          file: path, byteOffset: error.byteOffset, found: error.problem,
          expected: "a list of token ids, or a list of such lists"))
    }
  }

  private static func sequences(_ scanner: inout JSONScanner) throws(JSONError) -> [[UInt32]] {
    var nested: [[UInt32]] = []
    var flat: [UInt32] = []
    try scanner.beginArray()
    while try scanner.nextElement() {
      let start = scanner.position
      if try scanner.peek() == .array {
        guard flat.isEmpty else {
          throw JSONError(byteOffset: start, problem: "a list among token ids")
        }
        nested.append(try sequence(&scanner))
      } else {
        guard nested.isEmpty else {
          throw JSONError(byteOffset: start, problem: "a token id among lists")
        }
        flat.append(try id(&scanner))
      }
    }
    try scanner.end()
    guard !nested.isEmpty || !flat.isEmpty else {
      throw JSONError(byteOffset: 0, problem: "an empty list")
    }
    return nested.isEmpty ? [flat] : nested
  }

  private static func sequence(_ scanner: inout JSONScanner) throws(JSONError) -> [UInt32] {
    let start = scanner.position
    var ids: [UInt32] = []
    try scanner.beginArray()
    while try scanner.nextElement() { ids.append(try id(&scanner)) }
    guard !ids.isEmpty else { throw JSONError(byteOffset: start, problem: "an empty list") }
    return ids
  }

  private static func id(_ scanner: inout JSONScanner) throws(JSONError) -> UInt32 {
    _ = try scanner.peek()
    let start = scanner.position
    let value = try scanner.integer()
    guard let id = UInt32(exactly: value) else {
      throw JSONError(byteOffset: start, problem: "\(value), which is not \(anID)")
    }
    return id
  }

  // MARK: Errors

  private static let anID = "an id from 0 to 4294967295"

  private static func problem(
    _ path: String, _ field: String, found: String, expected: String, hint: String? = nil
  ) -> TokenFileError {
    .malformed(
      InputProblem(file: path, field: field, found: found, expected: expected, hint: hint))
  }
}
