import QuernContainers
import QuernConversion

/// Which files belong to the one that was named: the parts of a split output, the draft model's file
/// and the certificate of all of them.
struct OutputLocation {
  let folder: String
  /// The name that was given to the conversion, without `.gguf`.
  let name: String
  let certificateName: String
  /// The file that was named, where it exists.
  let namedFile: String?

  private static let suffix = ".gguf"
  private static let draftSuffix = ".mtp"

  /// `out.gguf`, `out-00001-of-00003.gguf`, `out.mtp.gguf` and `out.mtp-00001-of-00002.gguf` all
  /// belong to `out`, whose certificate is `out.gguf.certificate.json`.
  ///
  /// A model may be called `NAME.mtp.gguf` by itself: its own certificate is looked for first.
  init(path: String) throws(VerificationError) {
    folder = FileSystem.parent(of: path)
    let fileName = path.split(separator: "/").last.map(String.init) ?? path
    var bases = [Self.base(of: fileName)]
    if let base = bases.last, base.hasSuffix(Self.draftSuffix) {
      bases.append(String(base.dropLast(Self.draftSuffix.count)))
    }
    let folder = folder
    let found = bases.first {
      FileSystem.exists(folder + "/" + Conversion.certificateName(forOutput: $0 + Self.suffix))
    }
    name = found ?? bases[0]
    certificateName = Conversion.certificateName(
      forOutput: found.map { $0 + Self.suffix } ?? fileName)
    let exists = FileSystem.exists(path)
    guard exists || found != nil else { throw .file(FileError(path, .open, .notFound)) }
    namedFile = exists ? fileName : nil
  }

  private static func base(of fileName: String) -> String {
    if let split = GGUFSplitName(parsing: fileName) { return split.prefix }
    return fileName.hasSuffix(suffix) ? String(fileName.dropLast(suffix.count)) : fileName
  }

  var certificatePath: String { folder + "/" + certificateName }
  var hasCertificate: Bool { FileSystem.exists(certificatePath) }

  func path(of name: String) -> String { folder + "/" + name }

  /// The files to read where no certificate names them: the one that was named, or all parts.
  func filesWithoutCertificate() -> [String] {
    guard let namedFile else { return [] }
    guard let split = GGUFSplitName(parsing: namedFile) else { return [namedFile] }
    return (1...split.count).map {
      GGUFSplitName(prefix: split.prefix, number: $0, count: split.count).description
    }
  }

  /// True for a name that a conversion to this output may have written.
  func mayHold(_ fileName: String) -> Bool {
    guard fileName.hasSuffix(Self.suffix), !fileName.contains("/") else { return false }
    let base = Self.base(of: fileName)
    return base == name || base == name + Self.draftSuffix
  }
}
