import QuernCertificates
import QuernContainers

/// One file that a report is about.
enum ReportInput {
  private static let maximumByteCount = 1 << 30
  private static let maximumParityByteCount = 1 << 24

  case certificate(CertificateSummary, path: String)
  case parity(ParityFile)

  /// Reads a certificate, a parity file, or the certificate of the GGUF file or folder that is named.
  ///
  /// - Throws: `ReportError` for a file that is neither.
  init(path: String) throws(ReportError) {
    let file = try Self.file(path)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(of: file, limit: Self.maximumByteCount)
    } catch { throw .unreadable(error) }
    do throws(InputProblem) {
      self = try Self.parsing(bytes, path: file)
    } catch { throw .malformed(error) }
  }

  private static func file(_ path: String) throws(ReportError) -> String {
    guard FileSystem.isFolder(path) || path.hasSuffix(".gguf") else { return path }
    do throws(VerificationError) {
      return try OutputLocation(path: path).certificatePath
    } catch {
      guard case .file(let file) = error else {
        throw .unreadable(FileError(path, .open, .notFound))
      }
      throw .unreadable(file)
    }
  }

  private static func parsing(_ bytes: [UInt8], path: String) throws(InputProblem) -> ReportInput {
    let expected = "a certificate (\(Certificate.formatName)) or a parity file (quern-parity)"
    switch try format(of: bytes, path: path, expected: expected) {
    case Certificate.formatName:
      return .certificate(try CertificateSummary(parsing: bytes, path: path), path: path)
    case ParityFile.formatName:
      guard bytes.count <= maximumParityByteCount else {
        throw InputProblem(
          file: path, found: "\(bytes.count) bytes",
          expected: "a parity file of at most \(maximumParityByteCount)")
      }
      return .parity(try ParityFile(parsing: bytes, path: path))
    case let other:
      throw InputProblem(
        file: path, field: "format", found: other.map { "\"\($0)\"" } ?? "nothing",
        expected: expected)
    }
  }

  /// The text of the outermost `format`, which the writers of both put first.
  private static func format(of bytes: [UInt8], path: String, expected: String)
    throws(InputProblem) -> String?
  {
    var scanner = JSONScanner(bytes)
    do throws(JSONError) {
      guard try scanner.peek() == .object else { return nil }
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        guard key == "format" else {
          try scanner.skipValue()
          continue
        }
        return try scanner.peek() == .string ? scanner.string() : nil
      }
      return nil
    } catch {
      throw InputProblem(file: path, found: "malformed JSON, \(error)", expected: expected)
    }
  }
}
