import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernTensors

/// Plans the conversion anew from the checkpoint, with the recipe and the options of the certificate,
/// and compares all that the plan decides.
struct PlanCheck {
  private let location: OutputLocation
  private let certificate: Certificate
  private let checkpoint: Checkpoint
  private(set) var failures: [VerificationReport.Failure] = []

  init(_ location: OutputLocation, certificate: Certificate, checkpoint: Checkpoint) {
    self.location = location
    self.certificate = certificate
    self.checkpoint = checkpoint
  }

  /// - Returns: the plan, or nil when none follows or its tensors are not those of the certificate.
  /// - Throws: `VerificationError` when the checkpoint's files cannot be read.
  mutating func run(_ files: [InputFile?]) throws(VerificationError) -> ConversionPlan? {
    guard let plan = try plan() else { return nil }
    compareHead(plan)
    try compareHeaders(plan, files)
    compare("tensors", plan.tensors.count, certificate.rows.count)
    guard plan.tensors.count == certificate.rows.count else { return nil }
    for index in plan.tensors.indices { compareRow(index, plan) }
    return plan
  }

  private mutating func plan() throws(VerificationError) -> ConversionPlan? {
    guard let (target, recipe, options) = inputs() else { return nil }
    do throws(ConversionError) {
      return try ConversionPlan(
        target,
        of:
          checkpoint, recipe: recipe, options: options, importance: Importance(certificate),
        calibration: Calibration(certificate),
        outputName: location.name)
    } catch {
      if Self.isUnreadable(error) { throw .source(error) }
      fail("plan", found: "\(error)", expected: "the checkpoint that was converted")
      return nil
    }
  }

  private mutating func inputs() -> (ConversionTarget, Recipe, ConversionOptions)? {
    guard let target = ConversionTarget(rawValue: certificate.target),
      let options = ConversionOptions(json: certificate.options)
    else {
      fail(
        "target and options", found: certificate.target, expected: "a target and options it knows")
      return nil
    }
    do throws(RecipeError) {
      let recipe = try Recipe(
        json: certificate.recipe, name: certificate.recipeName, target: target)
      if recipe.json != certificate.recipe {
        fail("recipe", found: "other members", expected: "rules as this version writes them")
      }
      return (target, recipe, options)
    } catch {
      fail("recipe", found: error.problem, expected: "rules as this version writes them")
      return nil
    }
  }

  private static func isUnreadable(_ error: ConversionError) -> Bool {
    switch error {
    case .file, .checkpoint(.file), .checkpoint(.notFound): true
    default: false
    }
  }
}

// MARK: - Comparing

extension PlanCheck {
  private mutating func compareHead(_ plan: ConversionPlan) {
    compare("plan", plan.hash, certificate.planHash)
    compare("architecture", plan.architecture, certificate.architecture)
    compare("repository", plan.options.json["repository"]?.string, certificate.repositoryID)
    if let revision = checkpoint.revision { compare("revision", revision, certificate.revision) }
    compare("sourceFiles", checkpoint.files.map(\.name), certificate.sourceFiles.map(\.name))
    for (index, file) in checkpoint.files.enumerated() where index < certificate.sourceFiles.count {
      let claim = certificate.sourceFiles[index]
      compare("bytes of the source \(claim.name)", file.byteCount, claim.byteCount)
      compare(
        "header hash of the source \(claim.name)", plan.sourceHeaderHashes[index],
        claim.headerHash)
    }
    compare(
      "dropped", plan.dropped.map { "\($0.name.text): \($0.reason)" },
      certificate.dropped.map { "\($0.name): \($0.reason)" })
    compare("files", plan.files.map(\.name), certificate.files.map(\.name))
    for (file, claim) in zip(plan.files, certificate.files) {
      compare("bytes of \(claim.name)", file.byteCount, claim.byteCount)
      compare("headerBytes of \(claim.name)", file.header.count, claim.headerByteCount)
    }
  }

  /// The header byte for byte; where it differs, the keys that do.
  private mutating func compareHeaders(_ plan: ConversionPlan, _ files: [InputFile?])
    throws(VerificationError)
  {
    for (planned, file) in zip(plan.files, files) {
      guard let file else { continue }
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try file.bytes(
          in: ByteRange(offset: 0, byteCount: min(planned.header.count, file.byteCount)))
      } catch { throw .file(error) }
      guard bytes != planned.header else { continue }
      let place = zip(bytes, planned.header).prefix { $0 == $1 }.count
      failures.append(
        .init(
          file: planned.name, tensor: nil,
          what: (planned.tensors.isEmpty ? "content" : "header") + ", from byte \(place) on",
          found: planned.tensors.isEmpty ? Excerpt.text(bytes, at: place) : "other bytes",
          expected: planned.tensors.isEmpty
            ? Excerpt.text(planned.header, at: place)
            : "the header that follows from the checkpoint"))
      guard plan.target == .gguf, let gguf = try? GGUFFile(file) else { continue }
      for note in MetadataComparison.differences(
        found: gguf.keyValues, expected: planned.keyValues)
      {
        failures.append(
          .init(
            file: planned.name, tensor: nil, what: "metadata \(note.key)", found: note.found,
            expected: note.expected))
      }
    }
  }

  private mutating func compareRow(_ index: Int, _ plan: ConversionPlan) {
    let (tensor, row) = (plan.tensors[index], certificate.rows[index])
    let places = plan.places[index]
    let place = (name: row.name, file: certificate.files[row.file].name)
    compare("name", tensor.name, row.name, place)
    compare("file", places.first?.file, row.file, place)
    compare("role", tensor.role.rawValue, row.role, place)
    compare("type", tensor.storage.word, row.type, place)
    compare("method", tensor.method.rawValue, row.method, place)
    compare("shape", tensor.shape.dimensions, row.shape, place)
    compare("offset", places.first?.offset, row.offset, place)
    compare("stored", stored(tensor, places), row.stored.map(Self.text), place)
    compare("input", tensor.activation?.scale, row.input?.scale, place)
    compare("input", tensor.activation?.offset, row.input?.offset, place)
    compare("rotated", tensor.rotation != nil, row.isRotated, place)
    compare("bytes", tensor.byteCount, row.byteCount, place)
    compare("parts", tensor.grid.parts, row.parts, place)
    compare("scaleExponents", tensor.scaleExponents, row.scaleExponents, place)
    compare(
      "importance", tensor.importance?.unseenExpertCount, row.importance?.unseenExpertCount, place)
    compare(
      "calibration", tensor.calibration?.unseenExpertCount, row.calibration?.unseenExpertCount,
      place)
    compare("chunkRows", tensor.grid.chunkRows, row.chunkRows, place)
    compare("sources", sources(of: tensor), row.sources.map(Self.text), place)
  }

  private func sources(of tensor: PlannedTensor) -> [String] {
    tensor.expression.sources.map { rows in
      let source = checkpoint.tensors[rows.tensor]
      let isWhole = rows.firstRow == 0 && rows.rowCount == source.shape.rowCount
      return Self.text(
        CertificateRow.Source(
          name: source.name.text, file: checkpoint.files[source.codes.file].name,
          encoding: source.encoding.description,
          rows: isWhole ? nil : [rows.firstRow, rows.rowCount], hash: "", scaleHash: nil))
    }
  }

  private func stored(_ tensor: PlannedTensor, _ places: [ConversionPlan.PartPlace]) -> [String] {
    guard tensor.parts.count > 1 else { return [] }
    return zip(tensor.parts, places).map { part, place in
      Self.text(
        CertificateRow.Stored(
          name: part.name, file: place.file, type: part.elementType?.rawValue ?? "",
          shape: part.shape.dimensions,
          offset: place.offset, byteCount: part.byteCount))
    }
  }

  private static func text(_ part: CertificateRow.Stored) -> String {
    "\(part.name) (\(part.type) \(part.shape)) in file \(part.file) at \(part.offset), \(part.byteCount) bytes"
  }

  private static func text(_ source: CertificateRow.Source) -> String {
    "\(source.name) (\(source.encoding), rows \(source.rows ?? [])) in \(source.file)"
  }

  /// A tensor as the plan describes it, when the file has it at the same place in the same form.
  /// Otherwise the row's own description, without a source: the difference is reported already, and
  /// the bytes are still to be hashed.
  static func checkedTensor(_ index: Int, _ plan: ConversionPlan, like described: CheckedTensor)
    -> CheckedTensor
  {
    let tensor = plan.tensors[index]
    let places = plan.places[index]
    guard tensor.shape == described.shape, CheckedStorage(tensor.storage) == described.storage,
      tensor.grid == described.grid, places.map(\.file) == described.parts.map(\.file),
      places.map(\.offset) == described.parts.map(\.offset),
      tensor.parts.map(\.content) == described.parts.map(\.stored.content)
    else { return described }
    return CheckedTensor(tensor, places: places, options: plan.options)
  }

  private mutating func compare<Value: Equatable>(
    _ what: String, _ planned: Value, _ claim: Value,
    _ tensor: (name: String, file: String)? = nil
  ) {
    guard planned != claim else { return }
    let file = tensor?.file ?? location.certificateName
    failures.append(
      .init(
        file: file, tensor: tensor?.name, what: what, found: "\(claim)", expected: "\(planned)"))
  }

  private mutating func fail(_ what: String, found: String, expected: String) {
    failures.append(
      .init(
        file: location.certificateName, tensor: nil, what: what, found: found, expected: expected))
  }
}
