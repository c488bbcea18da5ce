import QuernContainers

/// What is proven about a conversion: one row for each output tensor, hashes of every byte, and what
/// it was made from.
public struct Certificate: Equatable, Sendable {
  public struct SourceFile: Equatable, Sendable {
    public var name: String
    public var byteCount: Int
    public var headerHash: String

    public init(name: String, byteCount: Int, headerHash: String) {
      self.name = name
      self.byteCount = byteCount
      self.headerHash = headerHash
    }
  }

  public struct OutputFile: Equatable, Sendable {
    public var name: String
    public var byteCount: Int
    public var headerByteCount: Int
    public var headerHash: String
    /// BLAKE3 over the header's digest and the digests of the tensors, in the order of the file.
    public var hash: String

    public init(
      name: String, byteCount: Int, headerByteCount: Int, headerHash: String, hash: String
    ) {
      self.name = name
      self.byteCount = byteCount
      self.headerByteCount = headerByteCount
      self.headerHash = headerHash
      self.hash = hash
    }
  }

  /// A file beside the checkpoint that the values depend on.
  public struct SideInput: Equatable, Sendable {
    /// Name of the file, without its folder.
    public var name: String
    /// BLAKE3 of the whole file.
    public var hash: String

    public init(name: String, hash: String) {
      self.name = name
      self.hash = hash
    }
  }

  public static let formatName = "quern-certificate"
  public static let formatVersion = 1

  public var toolVersion: String
  public var target: String
  public var architecture: String
  public var recipeName: String
  /// The resolved recipe and the options, as they were hashed into the plan.
  public var recipe: JSONObject
  public var options: JSONObject
  public var repositoryID: String?
  public var revision: String?
  public var sourceFiles: [SourceFile]
  /// The importance data that errors were weighted with.
  public var imatrix: SideInput?
  /// The calibration statistics that `gptq` rounded with.
  public var calibration: SideInput?
  public var planHash: String
  public var files: [OutputFile]
  public var rows: [CertificateRow]
  /// Source tensors that the target has no use for, and why.
  public var dropped: [(name: String, reason: String)]

  public init(
    toolVersion: String, target: String, architecture: String, recipeName: String,
    recipe: JSONObject, options: JSONObject, repositoryID: String?, revision: String?,
    sourceFiles: [SourceFile], imatrix: SideInput? = nil, calibration: SideInput? = nil,
    planHash: String, files: [OutputFile],
    rows: [CertificateRow],
    dropped: [(name: String, reason: String)]
  ) {
    self.toolVersion = toolVersion
    self.target = target
    self.architecture = architecture
    self.recipeName = recipeName
    self.recipe = recipe
    self.options = options
    self.repositoryID = repositoryID
    self.revision = revision
    self.sourceFiles = sourceFiles
    self.imatrix = imatrix
    self.calibration = calibration
    self.planHash = planHash
    self.files = files
    self.rows = rows
    self.dropped = dropped
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.encoded() == right.encoded()
  }
}

extension Certificate {
  /// Writes the certificate piece by piece, one row a line, handing each piece to `sink`.
  package func write<E: Error>(to sink: ([UInt8]) throws(E) -> Void) throws(E) {
    var writer = JSONWriter()
    writer.beginObject()
    writeHead(&writer)
    writer.key("tensors")
    writer.beginArray()
    for row in rows {
      row.write(to: &writer)
      // Rows of 384 experts are long: none is kept once it is written.
      if writer.bytes.count > 1 << 16 { try sink(writer.drain()) }
    }
    writer.end()
    writer.key("dropped")
    writer.beginArray()
    for (name, reason) in dropped {
      writer.beginObject(.inline)
      writer.key("name")
      writer.string(name)
      writer.key("reason")
      writer.string(reason)
      writer.end()
      if writer.bytes.count > 1 << 16 { try sink(writer.drain()) }
    }
    writer.end()
    writer.end()
    try sink(writer.drain())
  }

  /// The whole certificate as bytes.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    write { (piece) throws(Never) in bytes += piece }
    return bytes
  }

  private func writeHead(_ writer: inout JSONWriter) {
    writer.member("format", Self.formatName)
    writer.member("version", Self.formatVersion)
    writer.member("tool", "quern \(toolVersion)")
    writer.member("target", target)
    writer.member("architecture", architecture)
    writer.member("recipeName", recipeName)
    writer.key("recipe")
    writer.value(.object(recipe))
    writer.key("options")
    writer.value(.object(options))
    if let repositoryID { writer.member("repository", repositoryID) }
    if let revision { writer.member("revision", revision) }
    writer.member("plan", planHash)
    if let imatrix { imatrix.write("imatrix", to: &writer) }
    if let calibration { calibration.write("calibration", to: &writer) }
    writer.key("sourceFiles")
    writer.beginArray()
    for file in sourceFiles {
      writer.beginObject(.inline)
      writer.member("name", file.name)
      writer.member("bytes", file.byteCount)
      writer.member("headerHash", file.headerHash)
      writer.end()
    }
    writer.end()
    writer.key("files")
    writer.beginArray()
    for file in files {
      writer.beginObject(.inline)
      writer.member("name", file.name)
      writer.member("bytes", file.byteCount)
      writer.member("headerBytes", file.headerByteCount)
      writer.member("headerHash", file.headerHash)
      writer.member("hash", file.hash)
      writer.end()
    }
    writer.end()
  }
}

extension CertificateRow {
  /// Writes the row as one line of JSON.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("name", name)
    writer.member("file", file)
    writer.member("role", role)
    writer.member("type", type)
    writer.member("method", method)
    writer.key("shape")
    writer.value(.array(shape.map { .integer($0) }))
    writer.member("class", classification.rawValue)
    if let errorBound { writer.member("errorBound", errorBound) }
    sums.writeMembers(to: &writer)
    counts.writeMembers(to: &writer)
    if let importance { importance.write(to: &writer) }
    if let calibration { calibration.write(to: &writer) }
    if let input { input.write(to: &writer) }
    if isRotated { writer.member("rotated", true) }
    if !scaleExponents.isEmpty {
      writer.key("scaleExponents")
      writer.value(.array(scaleExponents.map { .integer($0) }))
    }
    if !stored.isEmpty {
      writer.key("stored")
      writer.beginArray(.inline)
      for part in stored { part.write(to: &writer) }
      writer.end()
    }
    writer.member("offset", offset)
    writer.member("bytes", byteCount)
    writer.member("parts", parts)
    writer.member("chunkRows", chunkRows)
    writer.member("hash", hash)
    writer.key("sources")
    writer.beginArray(.inline)
    for source in sources { source.write(to: &writer) }
    writer.end()
    writer.end()
  }
}

extension Certificate.SideInput {
  fileprivate func write(_ key: String, to writer: inout JSONWriter) {
    writer.key(key)
    writer.beginObject(.inline)
    writer.member("name", name)
    writer.member("hash", hash)
    writer.end()
  }
}

extension CertificateRow.Stored {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("name", name)
    writer.member("file", file)
    writer.member("type", type)
    writer.key("shape")
    writer.value(.array(shape.map { .integer($0) }))
    writer.member("offset", offset)
    writer.member("bytes", byteCount)
    writer.end()
  }
}

extension CertificateRow.Input {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.key("input")
    writer.beginObject(.inline)
    writer.member("scale", Double(scale))
    writer.member("offset", offset)
    writer.end()
  }
}

extension CertificateRow.Calibration {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.key("calibration")
    writer.beginObject(.inline)
    writer.member("unseenExperts", unseenExpertCount)
    writer.end()
  }
}

extension CertificateRow.Importance {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.key("importance")
    writer.beginObject(.inline)
    writer.member("unseenExperts", unseenExpertCount)
    if let sqnr = sqnrDecibels { writer.member("sqnr", sqnr) }
    writer.member("signal", signal)
    writer.member("noise", noise)
    writer.end()
  }
}

extension CertificateRow.Source {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("name", name)
    writer.member("file", file)
    writer.member("encoding", encoding)
    if let rows {
      writer.key("rows")
      writer.value(.array(rows.map { .integer($0) }))
    }
    writer.member("hash", hash)
    if let scaleHash { writer.member("scaleHash", scaleHash) }
    writer.end()
  }
}

extension ErrorSums {
  /// Writes the sums and what follows from them as members of an open object.
  package func writeMembers(to writer: inout JSONWriter) {
    if let sqnr = sqnrDecibels { writer.member("sqnr", sqnr) }
    if let cosine { writer.member("cosine", cosine) }
    writer.member("signal", signal)
    writer.member("output", output)
    writer.member("noise", noise)
    writer.member("maxAbsError", maxAbsError)
    writer.member("unequal", unequalCount)
    writer.member("lostSigns", lostSignCount)
  }
}

extension CertificateRow.Counts {
  /// Writes the counts as members of an open object.
  package func writeMembers(to writer: inout JSONWriter) {
    writer.member("zeroBlocks", zeroBlocks)
    writer.member("subnormalScales", subnormalScales)
    writer.member("zeroedNonFinite", zeroedNonFinite)
    if let exactRows { writer.member("exactRows", exactRows) }
  }
}
