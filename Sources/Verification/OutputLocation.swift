import QuernContainers
import QuernConversion

/// Which files belong to the one that was named: the parts of a split output, the draft model's file
/// and the certificate of all of them; or all files of a folder.
struct OutputLocation {
  let folder: String
  /// The name that was given to the conversion, without `.gguf`.
  let name: String
  let certificateName: String
  /// The file that was named, where it exists.
  let namedFile: String?
  /// Whether the output is a folder with all its files.
  let isFolder: Bool

  private static let suffix = ".gguf"
  private static let draftSuffix = ".mtp"

  /// `out.gguf`, `out-00001-of-00003.gguf`, `out.mtp.gguf` and `out.mtp-00001-of-00002.gguf` all
  /// belong to `out`, whose certificate is `out.gguf.certificate.json`.
  ///
  /// A model may be called `NAME.mtp.gguf` by itself: its own certificate is looked for first.
  ///
  /// A folder is the output of a runtime's target; so is a file in one that holds the certificate or
  /// the description of such an output.
  init(path: String) throws(VerificationError) {
    if let folder = Self.outputFolder(path) {
      (self.folder, isFolder, namedFile) = (folder, true, nil)
      name = folder.split(separator: "/").last.map(String.init) ?? folder
      certificateName = Self.folderCertificate
      return
    }
    isFolder = false
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

  private static let relaidFolder = "nz"
  static let folderCertificate = "quern-certificate.json"

  /// The folder of an output that is one.
  private static func outputFolder(_ path: String) -> String? {
    if FileSystem.isFolder(path) {
      let trimmed = path.reversed().drop { $0 == "/" }
      return trimmed.isEmpty ? "/" : String(String(trimmed.reversed()))
    }
    let parent = FileSystem.parent(of: path)
    let marks = [folderCertificate, AscendNames.description]
    guard !path.hasSuffix(suffix), FileSystem.exists(path),
      marks.contains(where: { FileSystem.exists(parent + "/" + $0) })
    else { return nil }
    return parent
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

  /// A file of the folder itself, or of that of relaid weights.
  private static func isInFolder(_ fileName: String) -> Bool {
    var parts = fileName.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, parts[0] == relaidFolder { parts.removeFirst() }
    return parts.count == 1 && !["", ".", "..", folderCertificate[...]].contains(parts[0])
  }

  /// What the output is called in messages.
  var displayName: String { isFolder ? name : name + Self.suffix }

  /// What the bytes of a file mean, by its name.
  func container(of fileName: String) -> FileCheck.Container {
    guard isFolder else { return .gguf }
    return fileName.hasSuffix(".safetensors") ? .safetensors : .none
  }

  /// True for a name that a conversion to this output may have written.
  func mayHold(_ fileName: String) -> Bool {
    if isFolder { return Self.isInFolder(fileName) }
    guard !fileName.contains("/") else { return false }
    guard fileName.hasSuffix(Self.suffix) else { return false }
    let base = Self.base(of: fileName)
    return base == name || base == name + Self.draftSuffix
  }
}
