import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernTensors

/// Checks an output that has a certificate.
struct CertifiedCheck {
  private let location: OutputLocation
  private let certificate: Certificate
  private let checkpoint: Checkpoint?
  private let options: VerificationOptions
  private var report: VerificationReport
  /// The rows of each file.
  private let rowsOfFile: [[Int]]

  init(
    _ location: OutputLocation, certificate: Certificate, checkpoint: Checkpoint?,
    options: VerificationOptions, report: VerificationReport
  ) {
    self.location = location
    self.certificate = certificate
    self.checkpoint = checkpoint
    self.options = options
    self.report = report
    var rowsOfFile = [[Int]](repeating: [], count: certificate.files.count)
    for (index, row) in certificate.rows.enumerated() {
      for file in Set(row.stored.map(\.file) + [row.file]).sorted()
      where rowsOfFile.indices.contains(file) {
        rowsOfFile[file].append(index)
      }
    }
    self.rowsOfFile = rowsOfFile
  }

  mutating func run() throws(VerificationError) -> VerificationReport {
    report.files = certificate.files.map(\.name)
    let files = try openFiles()
    try checkStrays()
    var headerDigests: [[UInt8]?] = []
    for (index, file) in files.enumerated() {
      guard let file else {
        headerDigests.append(nil)
        continue
      }
      var check = FileCheck(
        file, container: location.container(of: certificate.files[index].name),
        claim: certificate.files[index], number: index,
        rows: rowsOfFile[index].map { certificate.rows[$0] })
      do throws(FileError) {
        headerDigests.append(try check.run())
      } catch { throw .file(error) }
      report.failures += check.failures
    }
    let plan = try plannedAnew(files)
    try checkTensors(files, plan: plan, headerDigests: headerDigests)
    return report
  }

  /// Opens every file that the certificate names; one that is not there is a failure.
  private mutating func openFiles() throws(VerificationError) -> [InputFile?] {
    var names: Set<String> = []
    if let named = location.namedFile, !certificate.files.contains(where: { $0.name == named }) {
      report.fail(
        named, "file", found: "a file that its certificate does not name",
        expected: certificate.files.map(\.name).joined(separator: ", "))
    }
    var files: [InputFile?] = []
    for file in certificate.files {
      guard location.mayHold(file.name), names.insert(file.name).inserted else {
        report.fail(
          location.certificateName, "files", found: file.name,
          expected: "each file of \(location.displayName) once")
        files.append(nil)
        continue
      }
      do throws(FileError) {
        files.append(try InputFile(path: location.path(of: file.name)))
      } catch {
        guard error.kind == .notFound else { throw .file(error) }
        report.fail(file.name, "file", found: "no such file", expected: "every file of the output")
        files.append(nil)
      }
    }
    return files
  }

  /// A runtime reads every shard of a folder, whoever wrote it.
  private mutating func checkStrays() throws(VerificationError) {
    guard location.isFolder else { return }
    let strays = try RuntimeStrays(
      location, named: certificate.files.map(\.name), target: certificate.target)
    report.failures += strays.failures
  }

  private mutating func plannedAnew(_ files: [InputFile?]) throws(VerificationError)
    -> ConversionPlan?
  {
    guard let checkpoint else { return nil }
    var check = PlanCheck(location, certificate: certificate, checkpoint: checkpoint)
    let plan = try check.run(files)
    report.failures += check.failures
    return plan
  }

  // MARK: Tensors

  private mutating func checkTensors(
    _ files: [InputFile?], plan: ConversionPlan?, headerDigests: [[UInt8]?]
  ) throws(VerificationError) {
    var tensors: [CheckedTensor] = []
    var rows: [Int] = []
    var rotations = checkpoint.map(SourceRotations.init)
    for index in certificate.rows.indices {
      guard var tensor = checkedTensor(index, files, plan: plan) else { continue }
      if let plan, tensor.expression != nil {
        do throws(FileError) {
          tensor.rotation = try rotations?.rotation(of: plan.tensors[index])
        } catch { throw .file(error) }
      }
      tensors.append(tensor)
      rows.append(index)
    }
    try assignProducts(&tensors, rows)
    // Places of the files that are there; the others have no tensors in the sweep.
    let opened = files.compactMap { $0 }
    let positions = files.indices.map { index in files[..<index].count { $0 != nil } }
    let findings = try Sweep.run(
      tensors.map { $0.inFiles { positions[$0] } }, files: opened,
      checkpoint: plan == nil ? nil : checkpoint, options: options)
    var byRow: [Int: TensorFinding] = [:]
    for (row, finding) in zip(rows, findings) { byRow[row] = finding }
    for (row, tensor) in zip(rows, tensors) {
      compare(row, findings: byRow, hasSource: tensor.expression != nil)
      if let plan { compareWithPlan(plan.tensors[row], row, byRow[row]) }
    }
    report.addProducts(
      zip(rows, tensors).compactMap { row, tensor in
        byRow[row].map { (tensor, typeName(row), $0, certificate.files[tensor.file].name) }
      })
    let compared = Set(zip(rows, tensors).filter { $1.expression != nil }.map(\.0))
    addRows(byRow, compared: compared)
    checkFileHashes(byRow, headerDigests)
  }

  private func typeName(_ row: Int) -> String { certificate.rows[row].type.uppercased() }

  /// What the weights of a runtime's folder are multiplied with.
  private mutating func assignProducts(_ tensors: inout [CheckedTensor], _ rows: [Int])
    throws(VerificationError)
  {
    guard location.isFolder, let checkpoint else { return }
    let expectation: RuntimeExpectation
    do throws(CheckpointError) {
      expectation = try RuntimeExpectation(
        checkpoint, isSource: true, draft: true, isRotated: false)
    } catch {
      // The plan says what is wrong with the checkpoint.
      return report.notes.append("no kernel is emulated: \(error)")
    }
    var parity = try ParityPlan(expectation, activationsPath: options.activationsPath)
    try parity.assign(&tensors, types: rows.map(typeName))
    report.notes += parity.notes
  }

  /// The tensor of a row as the plan, or else the row, describes it; nil when it cannot be read.
  private mutating func checkedTensor(_ index: Int, _ files: [InputFile?], plan: ConversionPlan?)
    -> CheckedTensor?
  {
    let row = certificate.rows[index]
    // A file that is not there has been reported already.
    guard let file = files[row.file] else { return nil }
    guard row.stored.allSatisfy({ files.indices.contains($0.file) && files[$0.file] != nil })
    else { return nil }
    guard
      let described = CheckedTensor(
        row, target: certificate.target, fileByteCount: { files[$0]?.byteCount })
    else {
      report.fail(
        certificate.files[row.file].name, tensor: row.name, "place in the file",
        found: "\(row.type) \(Shape(row.shape)), \(row.byteCount) bytes at \(row.offset), "
          + "\(row.parts) parts in chunks of \(row.chunkRows) rows",
        expected: "numbers that agree and a tensor inside the \(file.byteCount) bytes of the file")
      return nil
    }
    guard let plan else { return described }
    return PlanCheck.checkedTensor(index, plan, like: described)
  }

  /// Compares what a row claims with what was found.
  private mutating func compare(_ index: Int, findings: [Int: TensorFinding], hasSource: Bool) {
    let row = certificate.rows[index]
    guard let finding = findings[index] else { return }
    report.fail(finding.integers, file: certificate.files[row.file].name, tensor: row.name)
    for difference in RowComparison(row, finding, hasSource: hasSource).differences {
      report.fail(
        certificate.files[row.file].name, tensor: row.name, difference.what,
        found: difference.found, expected: difference.expected)
    }
  }

  /// What the plan promised: its method, and exactness where nothing was replaced.
  private mutating func compareWithPlan(
    _ tensor: PlannedTensor, _ index: Int, _ finding: TensorFinding?
  ) {
    guard let finding else { return }
    let file = certificate.files[certificate.rows[index].file].name
    if let row = finding.wrongRow {
      report.fail(
        file, tensor: tensor.name, "row \(row)", found: "other values",
        expected: "what \(tensor.method.rawValue) to \(tensor.storage.word) gives")
    }
    let isExact = finding.sums.unequalCount == 0 || finding.counts.zeroedNonFinite > 0
    if tensor.expectation == .exact, !isExact {
      report.fail(
        file, tensor: tensor.name, "exactness",
        found: "\(finding.sums.unequalCount) values that differ", expected: "every value equal")
    }
    if let bound = finding.errorBound, finding.sums.maxAbsError > bound {
      report.fail(
        file, tensor: tensor.name, "largest error", found: "\(finding.sums.maxAbsError)",
        expected: "at most \(bound)")
    }
  }

  private mutating func addRows(_ findings: [Int: TensorFinding], compared: Set<Int>) {
    let failed = Set(report.failures.map { [$0.file, $0.tensor ?? ""] })
    for (index, row) in certificate.rows.enumerated() {
      let file = certificate.files[row.file].name
      var proven = row
      if let finding = findings[index] {
        (proven.sums, proven.counts) = (finding.sums, finding.counts)
        proven.errorBound = finding.errorBound
      }
      let hasFailed = findings[index] == nil || failed.contains([file, row.name])
      report.rows.append(
        VerificationReport.Row(
          name: row.name, file: file, type: row.type.uppercased(), shape: row.shape,
          classification: compared.contains(index) ? proven.classification : nil,
          sums: proven.sums, counts: proven.counts,
          status: hasFailed ? .failed : .passed))
    }
  }

  private mutating func checkFileHashes(
    _ findings: [Int: TensorFinding], _ headerDigests: [[UInt8]?]
  ) {
    for (index, file) in certificate.files.enumerated() {
      let rows = rowsOfFile[index]
      let hashes = rows.compactMap { findings[$0]?.hash }
      guard let header = headerDigests[index], hashes.count == rows.count else { continue }
      let hash = Certificate.fileHash(header: header, tensors: hashes)
      if hash != file.hash {
        report.fail(file.name, "hash of the file", found: hash, expected: file.hash)
      }
    }
  }
}
