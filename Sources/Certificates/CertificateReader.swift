import QuernContainers
import QuernTensors

/// Why a certificate cannot be used.
public enum CertificateError: Error, Sendable, CustomStringConvertible {
  case unreadable(FileError)
  case malformed(InputProblem)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let problem): problem.description
    }
  }
}

extension Certificate {
  /// A row for each of 300,000 tensors, each with its 384 experts, stays below this.
  private static let maximumByteCount = 1 << 30

  /// Reads a certificate.
  ///
  /// - Throws: `CertificateError` naming the field that is missing or of another kind.
  public init(path: String) throws(CertificateError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(of: path, limit: Self.maximumByteCount)
    } catch { throw .unreadable(error) }
    do throws(InputProblem) {
      try self.init(parsing: bytes, path: path)
    } catch { throw .malformed(error) }
  }

  package init(parsing bytes: [UInt8], path: String) throws(InputProblem) {
    var rows: [CertificateRow] = []
    try self.init(parsing: bytes, path: path) { (row) throws(InputProblem) in rows.append(row) }
    self.rows = rows
  }

  /// Reads a certificate and hands out its rows one by one, so that no table is ever held.
  ///
  /// - Returns: the certificate without rows.
  package init(
    parsing bytes: [UInt8], path: String,
    eachRow body: (CertificateRow) throws(InputProblem) -> Void
  ) throws(InputProblem) {
    var scanner = JSONScanner(bytes)
    var head = JSONObject()
    var table: CertificateRowTable?
    do throws(JSONError) {
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        // The table is read row by row; all else is small.
        if key == "tensors" {
          var rows = CertificateRowTable()
          try rows.read(&scanner, body)
          table = rows
        } else {
          head.set(key, try scanner.value())
        }
      }
      try scanner.end()
    } catch {
      throw InputProblem(file: path, found: "malformed JSON, \(error)", expected: "a certificate")
    }
    if let problem = table?.problem { throw problem }
    guard head["format"]?.string == Self.formatName, head["version"]?.integer == Self.formatVersion
    else {
      throw InputProblem(
        file: path, field: "format", found: head["format"]?.summary ?? "nothing",
        expected: "\(Self.formatName) version \(Self.formatVersion)")
    }
    guard let table, let certificate = Certificate(head: head, fileIndices: table.fileIndices)
    else {
      throw InputProblem(
        file: path, found: "a field that is missing or of another kind", expected: "a certificate")
    }
    self = certificate
  }

  private init?(head: JSONObject, fileIndices: ClosedRange<Int>?) {
    guard let tool = head["tool"]?.string, let target = head["target"]?.string,
      let architecture = head["architecture"]?.string, let name = head["recipeName"]?.string,
      let recipe = head["recipe"]?.object, let options = head["options"]?.object,
      let plan = head["plan"]?.string, let sources = head["sourceFiles"]?.array,
      let files = head["files"]?.array, let dropped = head["dropped"]?.array
    else { return nil }
    let sourceFiles = sources.compactMap { $0.object.flatMap(SourceFile.init) }
    let outputFiles = files.compactMap { $0.object.flatMap(OutputFile.init) }
    let droppedTensors = dropped.compactMap { $0.object.flatMap(Self.dropped) }
    let imatrix = head["imatrix"]?.object.flatMap(SideInput.init)
    let calibration = head["calibration"]?.object.flatMap(SideInput.init)
    guard (imatrix == nil) == (head["imatrix"] == nil),
      (calibration == nil) == (head["calibration"] == nil)
    else { return nil }
    guard sourceFiles.count == sources.count, outputFiles.count == files.count,
      droppedTensors.count == dropped.count,
      fileIndices.map({ $0.lowerBound >= 0 && $0.upperBound < outputFiles.count }) ?? true
    else { return nil }
    self.init(
      toolVersion: String(tool.drop { $0 != " " }.dropFirst()), target: target,
      architecture: architecture, recipeName: name, recipe: recipe, options: options,
      repositoryID: head["repository"]?.string, revision: head["revision"]?.string,
      sourceFiles: sourceFiles,
      imatrix: imatrix, calibration: calibration, planHash: plan, files: outputFiles, rows: [],
      dropped: droppedTensors)
  }

  private static func dropped(_ object: JSONObject) -> (name: String, reason: String)? {
    guard let name = object["name"]?.string, let reason = object["reason"]?.string else {
      return nil
    }
    return (name, reason)
  }
}

extension Certificate.SideInput {
  fileprivate init?(_ object: JSONObject) {
    guard let name = object["name"]?.string, let hash = object["hash"]?.string else { return nil }
    self.init(name: name, hash: hash)
  }
}

extension Certificate.SourceFile {
  fileprivate init?(_ object: JSONObject) {
    guard let name = object["name"]?.string, let bytes = object["bytes"]?.integer,
      let hash = object["headerHash"]?.string
    else { return nil }
    self.init(name: name, byteCount: bytes, headerHash: hash)
  }
}

extension Certificate.OutputFile {
  fileprivate init?(_ object: JSONObject) {
    guard let name = object["name"]?.string, let bytes = object["bytes"]?.integer,
      let headerBytes = object["headerBytes"]?.integer,
      let headerHash = object["headerHash"]?.string, let hash = object["hash"]?.string,
      bytes >= 0, headerBytes >= 0, Self.isPlainName(name)
    else { return nil }
    self.init(
      name: name, byteCount: bytes, headerByteCount: headerBytes, headerHash: headerHash, hash: hash
    )
  }
}

extension Certificate.OutputFile {
  /// The files are looked for beside the certificate, or in one folder there, and nowhere else.
  private static func isPlainName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2 && !name.utf8.contains(0)
      && parts.allSatisfy { !["", ".", ".."].contains($0) }
  }
}

extension CertificateRow {
  init?(_ value: JSONValue) {
    guard let row = value.object, let name = row["name"]?.string, let file = row["file"]?.integer,
      let role = row["role"]?.string, let type = row["type"]?.string,
      let method = row["method"]?.string, let shape = row["shape"]?.integers,
      let sums = ErrorSums(row), let counts = Counts(row), let offset = row["offset"]?.integer,
      let bytes = row["bytes"]?.integer, let parts = row["parts"]?.integer,
      let chunkRows = row["chunkRows"]?.integer, let hash = row["hash"]?.string,
      let sources = row["sources"]?.array, chunkRows > 0, parts > 0, offset >= 0, bytes >= 0,
      !offset.addingReportingOverflow(bytes).overflow, Shape(shape).checkedElementCount != nil
    else { return nil }
    let parsed = sources.compactMap { $0.object.flatMap(Source.init) }
    let importance = row["importance"]?.object.flatMap(Importance.init)
    let calibration = row["calibration"]?.object.flatMap(Calibration.init)
    let input = row["input"]?.object.flatMap(Input.init)
    let exponents = row["scaleExponents"]?.integers
    let stored = row["stored"]?.array?.compactMap { $0.object.flatMap(Stored.init) }
    guard parsed.count == sources.count, (importance == nil) == (row["importance"] == nil),
      (calibration == nil) == (row["calibration"] == nil),
      (exponents == nil) == (row["scaleExponents"] == nil),
      (input == nil) == (row["input"] == nil),
      exponents?.allSatisfy({ (-126...127).contains($0) }) ?? true,
      stored?.count == row["stored"]?.array?.count, stored?.isEmpty != true
    else { return nil }
    self.init(
      name: name, file: file, role: role, type: type, method: method, shape: shape, sources: parsed,
      sums: sums, errorBound: row["errorBound"]?.real, counts: counts,
      importance: importance, calibration: calibration, input: input,
      isRotated: row["rotated"]?.bool ?? false,
      scaleExponents: exponents ?? [],
      stored: stored ?? [], offset: offset, byteCount: bytes, parts: parts, chunkRows: chunkRows,
      hash: hash)
    guard row["class"]?.string == classification.rawValue else { return nil }
  }
}

extension CertificateRow.Stored {
  fileprivate init?(_ object: JSONObject) {
    guard let name = object["name"]?.string, let file = object["file"]?.integer,
      let type = object["type"]?.string,
      let shape = object["shape"]?.integers, let offset = object["offset"]?.integer,
      let bytes = object["bytes"]?.integer, offset >= 0, bytes >= 0,
      !offset.addingReportingOverflow(bytes).overflow, Shape(shape).checkedElementCount != nil
    else { return nil }
    self.init(
      name: name, file: file, type: type, shape: shape, offset: offset, byteCount: bytes)
  }
}

extension CertificateRow.Input {
  fileprivate init?(_ object: JSONObject) {
    guard let scale = object["scale"]?.real, let offset = object["offset"]?.integer,
      let exact = Float(exactly: scale), exact.isNormal, exact > 0, (-128...127).contains(offset)
    else { return nil }
    self.init(scale: exact, offset: offset)
  }
}

extension CertificateRow.Calibration {
  fileprivate init?(_ object: JSONObject) {
    guard let unseen = object["unseenExperts"]?.integer, unseen >= 0 else { return nil }
    self.init(unseenExpertCount: unseen)
  }
}

extension CertificateRow.Importance {
  fileprivate init?(_ object: JSONObject) {
    guard let unseen = object["unseenExperts"]?.integer, let signal = object["signal"]?.real,
      let noise = object["noise"]?.real, unseen >= 0, signal >= 0, noise >= 0
    else { return nil }
    self.init(unseenExpertCount: unseen, signal: signal, noise: noise)
  }
}

extension CertificateRow.Source {
  fileprivate init?(_ object: JSONObject) {
    guard let name = object["name"]?.string, let file = object["file"]?.string,
      let encoding = object["encoding"]?.string, let hash = object["hash"]?.string
    else { return nil }
    self.init(
      name: name, file: file, encoding: encoding, rows: object["rows"]?.integers, hash: hash,
      scaleHash: object["scaleHash"]?.string)
  }
}

extension CertificateRow.Counts {
  fileprivate init?(_ row: JSONObject) {
    guard let zero = row["zeroBlocks"]?.integer, let subnormal = row["subnormalScales"]?.integer,
      let zeroed = row["zeroedNonFinite"]?.integer, zero >= 0, subnormal >= 0, zeroed >= 0
    else { return nil }
    self.init()
    (zeroBlocks, subnormalScales, zeroedNonFinite) = (zero, subnormal, zeroed)
    exactRows = row["exactRows"]?.integer
    guard exactRows == nil ? row["exactRows"] == nil : exactRows ?? 0 >= 0 else { return nil }
  }
}

extension ErrorSums {
  fileprivate init?(_ row: JSONObject) {
    guard let signal = row["signal"]?.real, let output = row["output"]?.real,
      let noise = row["noise"]?.real, let maximum = row["maxAbsError"]?.real,
      let unequal = row["unequal"]?.integer, let lostSigns = row["lostSigns"]?.integer,
      unequal >= 0, lostSigns >= 0
    else { return nil }
    self.init()
    (self.signal, self.output, self.noise, maxAbsError) = (signal, output, noise, maximum)
    (unequalCount, lostSignCount) = (unequal, lostSigns)
  }
}

extension JSONValue {
  /// The elements of an array of integers.
  fileprivate var integers: [Int]? {
    guard let array else { return nil }
    let integers = array.compactMap(\.integer)
    return integers.count == array.count ? integers : nil
  }
}
