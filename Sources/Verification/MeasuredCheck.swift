import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Checks GGUF files that have no certificate: against the checkpoint, or for structure alone.
struct MeasuredCheck {
  private let location: OutputLocation
  private let checkpoint: Checkpoint?
  private let options: VerificationOptions
  private var report: VerificationReport

  /// A tensor of a file, and what a plan says of it.
  private struct Entry {
    let tensor: GGUFTensor
    let file: Int
    var planned: PlannedTensor?
    /// The factors beside an NVFP4 weight.
    var secondScales: [Float] = []
    /// True for the tensor that holds such factors.
    var isSecondScale = false
  }

  init(_ location: OutputLocation, checkpoint: Checkpoint?, options: VerificationOptions) {
    self.location = location
    self.checkpoint = checkpoint
    self.options = options
    report = VerificationReport(mode: checkpoint == nil ? .structure : .source)
  }

  mutating func run() throws(VerificationError) -> VerificationReport {
    report.files = location.filesWithoutCertificate()
    report.warnings.append("\(location.certificateName.escapedForDisplay): there is no certificate")
    var files: [InputFile] = []
    var ggufs: [GGUFFile] = []
    for name in report.files {
      do throws(FileError) {
        files.append(try InputFile(path: location.path(of: name)))
      } catch { throw .file(error) }
      do throws(GGUFError) {
        ggufs.append(try GGUFFile(files[files.count - 1]))
      } catch { throw .gguf(error) }
    }
    var entries: [Entry] = []
    for (index, gguf) in ggufs.enumerated() {
      if gguf.trailingByteCount != 0 {
        report.warnings.append("\(report.files[index]): \(gguf.trailingByteCount) bytes at its end")
      }
      entries += gguf.tensors.map { Entry(tensor: $0, file: index, planned: nil) }
    }
    try findSecondScales(&entries, files)
    if let checkpoint { try compareStructure(&entries, ggufs, checkpoint) }
    try measure(entries, files)
    return report
  }

  /// `NAME.scale` beside an NVFP4 `NAME.weight`: one F32 for each expert, or one.
  private func findSecondScales(_ entries: inout [Entry], _ files: [InputFile])
    throws(VerificationError)
  {
    var weights: [TensorName: Int] = [:]
    for (index, entry) in entries.enumerated() where entry.tensor.type.name == "NVFP4" {
      weights[TensorName(String(entry.tensor.name.text.dropLast("weight".count)) + "scale")] = index
    }
    for index in entries.indices {
      let (tensor, count) = (entries[index].tensor, entries[index].tensor.shape.elementCount)
      guard let weight = weights[tensor.name], tensor.type == .f32, count > 0,
        entries[weight].tensor.shape.rowCount % count == 0
      else { continue }
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try files[entries[index].file].bytes(in: tensor.range)
      } catch { throw .file(error) }
      entries[index].isSecondScale = true
      entries[weight].secondScales = bytes.withUnsafeBytes { bytes in
        (0..<count).map { Float(bitPattern: bytes.littleEndianUInt32(at: 4 * $0)) }
      }
    }
  }

  // MARK: Structure

  /// Finds the planned tensor of each entry; reports what is missing, extra or of another shape.
  private mutating func compareStructure(
    _ entries: inout [Entry], _ ggufs: [GGUFFile], _ checkpoint: Checkpoint
  ) throws(VerificationError) {
    let plan: ConversionPlan
    do throws(ConversionError) {
      plan = try ConversionPlan(
        .gguf,
        of:
          checkpoint, recipe: try Recipe.load("source", target: .gguf), options: .init(),
        outputName: location.name)
    } catch { throw .source(error) }
    let names = Set(entries.map(\.tensor.name))
    let planned = Self.closest(names, in: plan)
    var expected: [TensorName: PlannedTensor] = [:]
    for tensor in plan.tensors[planned.tensors] { expected[TensorName(tensor.name)] = tensor }
    // The draft layer may be kept in the same file.
    var optional: [TensorName: PlannedTensor] = [:]
    for tensor in plan.tensors { optional[TensorName(tensor.name)] = tensor }
    for index in entries.indices where !entries[index].isSecondScale {
      match(&entries[index], expected, optional)
    }
    for tensor in plan.tensors[planned.tensors] where !names.contains(TensorName(tensor.name)) {
      report.fail(
        location.name + ".gguf", tensor: tensor.name, "tensor", found: "no such tensor",
        expected: "\(tensor.shape)")
    }
    for difference in MetadataComparison.differences(
      found: ggufs.flatMap(\.keyValues), expected: planned.keyValues)
    where difference.key != "general.file_type" {
      report.notes.append(
        "metadata \(difference.key.escapedForDisplay): found \(difference.found), "
          + "Quern writes \(difference.expected)")
    }
  }

  /// The planned file, the model's or the draft's, of which more tensors are there.
  private static func closest(_ names: Set<TensorName>, in plan: ConversionPlan) -> PlannedFile {
    let counts = plan.files.map { file in
      plan.tensors[file.tensors].count { names.contains(TensorName($0.name)) }
    }
    let best = plan.files.indices.max { (counts[$0], -$0) < (counts[$1], -$1) }
    return plan.files[best ?? 0]
  }

  private mutating func match(
    _ entry: inout Entry, _ expected: [TensorName: PlannedTensor],
    _ optional: [TensorName: PlannedTensor]
  ) {
    let name = entry.tensor.name
    guard let planned = expected[name] ?? optional[name] else {
      return report.fail(
        report.files[entry.file], tensor: name.text, "tensor", found: "a tensor of no use",
        expected: "tensors that follow from the checkpoint")
    }
    guard planned.shape == entry.tensor.shape else {
      return report.fail(
        report.files[entry.file], tensor: name.text, "shape", found: "\(entry.tensor.shape)",
        expected: "\(planned.shape)")
    }
    guard (planned.storage.numberFormat == .i32) == (entry.tensor.type == .i32) else {
      return report.fail(
        report.files[entry.file], tensor: name.text, "type", found: entry.tensor.type.name,
        expected: planned.storage.numberFormat == .i32 ? "I32" : "a float type")
    }
    entry.planned = planned
  }

  // MARK: Values

  private mutating func measure(_ entries: [Entry], _ files: [InputFile]) throws(VerificationError)
  {
    var tensors: [CheckedTensor] = []
    var positions: [Int?] = []
    for entry in entries {
      let tensor = Self.checkedTensor(entry)
      positions.append(tensor == nil ? nil : tensors.count)
      if let tensor { tensors.append(tensor) }
    }
    let findings = try Sweep.run(tensors, files: files, checkpoint: checkpoint, options: options)
    let failed = Set(report.failures.compactMap(\.tensor))
    for (entry, position) in zip(entries, positions) {
      let name = entry.tensor.name.text
      let finding = position.map { findings[$0] }
      let isCompared = position.map { tensors[$0].expression != nil } ?? false
      let isFine = finding.map { judge(entry, $0, isCompared: isCompared) } ?? true
      var row = VerificationReport.Row(
        name: name, file: report.files[entry.file], type: entry.tensor.type.name,
        shape: entry.tensor.shape.dimensions,
        classification: isCompared ? finding.map(Self.classification) : nil,
        sums: finding?.sums ?? ErrorSums(), counts: finding?.counts ?? .init(),
        status: isCompared ? .passed : .notMeasured)
      if !isFine || failed.contains(name) { row.status = .failed }
      report.rows.append(row)
    }
  }

  /// nil for a type that has no reference decoder.
  private static func checkedTensor(_ entry: Entry) -> CheckedTensor? {
    let shape = entry.tensor.shape
    guard let format = NumberFormat(ggmlTypeID: entry.tensor.type.id), shape.elementCount > 0 else {
      return nil
    }
    if let planned = entry.planned {
      return CheckedTensor(
        name: planned.name, shape: shape, storage: .numbers(format),
        parts: [.numbers(format, shape, file: entry.file, offset: entry.tensor.range.offset)],
        grid: planned.grid, expression: planned.expression, secondScales: entry.secondScales)
    }
    // Rows of any length are taken as rows of one block, so that no row is held whole.
    let rowCount = shape.elementCount / format.blockElements
    let rows = Shape([rowCount, format.blockElements])
    return CheckedTensor(
      name: entry.tensor.name.text, shape: rows, storage: .numbers(format),
      parts: [.numbers(format, rows, file: entry.file, offset: entry.tensor.range.offset)],
      grid: ChunkGrid(
        parts: 1, rowsPerPart: rowCount, sourceRowByteCount: format.blockBytes, granule: 1))
  }

  private static func classification(_ finding: TensorFinding) -> CertificateRow.Class {
    finding.sums.unequalCount == 0 ? .exact : .measured
  }

  private mutating func judge(_ entry: Entry, _ finding: TensorFinding, isCompared: Bool) -> Bool {
    let (file, name) = (report.files[entry.file], entry.tensor.name.text)
    guard finding.sums.output.isFinite else {
      report.fail(
        file, tensor: name, "values", found: "NaN or infinity", expected: "finite values")
      return false
    }
    guard isCompared, finding.sums.unequalCount > 0,
      let format = NumberFormat(ggmlTypeID: entry.tensor.type.id)
    else { return true }
    let limit = MeasuredLimit.relativeError(of: format)
    // Without a signal any noise is too much.
    let error = finding.sums.relativeError ?? .infinity
    if error <= limit, format != .i32 { return true }
    report.fail(
      file, tensor: name, "relative error", found: "\(error)",
      expected: format == .i32
        ? "the same entries" : "at most \(limit), which is what \(format.ggmlName) explains")
    return false
  }
}
