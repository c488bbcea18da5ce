import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Checks a folder of a runtime that has no certificate, whoever made it: against the checkpoint, or
/// for structure alone.
struct RuntimeCheck {
  private let location: OutputLocation
  private let source: Checkpoint?
  private let options: VerificationOptions
  private var report: VerificationReport
  private let names: [String]

  /// - Throws: `VerificationError` when files cannot be read, or the folder is none of a runtime.
  static func run(
    _ location: OutputLocation, against source: Checkpoint?, options: VerificationOptions
  ) throws(VerificationError) -> VerificationReport {
    var check = try RuntimeCheck(location, source, options)
    return try check.run()
  }

  private init(_ location: OutputLocation, _ source: Checkpoint?, _ options: VerificationOptions)
    throws(VerificationError)
  {
    (self.location, self.source, self.options) = (location, source, options)
    report = VerificationReport(mode: source == nil ? .structure : .source)
    do throws(FileError) {
      names = try FileSystem.list(location.folder)
    } catch { throw .file(error) }
  }

  private mutating func run() throws(VerificationError) -> VerificationReport {
    report.warnings.append("\(location.certificateName): there is no certificate")
    let isAscend = names.contains {
      $0 == AscendNames.description || $0.hasPrefix("quant_model_weights")
    }
    if isAscend { try checkAscend() } else { try checkCompressedTensors() }
    checkModes()
    return report
  }

  /// The output opened as a checkpoint; nil, with a failure, where that is not possible.
  private mutating func opened() throws(VerificationError) -> Checkpoint? {
    do throws(CheckpointError) {
      return try Checkpoint.open(location.folder, environment: [:])
    } catch {
      switch error {
      case .file(let error): throw .file(error)
      case .notFound: throw .source(.checkpoint(error))
      case .problem(let problem):
        report.failures.append(CompressedTensorsStructure.failure(problem))
      default:
        report.fail(location.name, "files", found: "\(error)", expected: "a model's files")
      }
      return nil
    }
  }

  /// What the runtime looks for, by the source, or else by the output itself.
  private mutating func expectation(orOf output: Checkpoint?) throws(VerificationError)
    -> RuntimeExpectation?
  {
    guard let checkpoint = source ?? output else { return nil }
    let isSource = source != nil
    do throws(CheckpointError) {
      return try RuntimeExpectation(
        checkpoint, isSource: isSource, draft: keepsDraft, isRotated: saysRotated)
    } catch {
      if isSource { throw .source(.checkpoint(error)) }
      guard case .problem(let problem) = error else { throw .source(.checkpoint(error)) }
      report.failures.append(CompressedTensorsStructure.failure(problem))
      return nil
    }
  }

  /// Whether the header of the first file of weights says that they are rotated.
  private var saysRotated: Bool {
    let weights = names.sorted().first { $0.hasSuffix(".safetensors") }
    guard let weights, let file = try? SafetensorsFile(path: location.path(of: weights)) else {
      return false
    }
    return file.metadata["quern.rotation"] == "hadamard-32"
  }

  /// Whether the output's configuration has draft stages, or says nothing of them.
  private var keepsDraft: Bool {
    guard
      let bytes = try? InputFile.contents(of: location.path(of: "config.json"), limit: 16 << 20),
      let config = try? JSONValue(parsing: bytes).object
    else { return true }
    return config["num_nextn_predict_layers"]?.integer != 0
  }

  // MARK: Dialects

  private mutating func checkAscend() throws(VerificationError) {
    let shards = try RuntimeShards(location.folder, names: names)
    report.files = shards.names
    report.failures += shards.failures
    if shards.files.isEmpty, shards.failures.isEmpty {
      return report.fail(
        location.name, "files", found: "no weights", expected: "files of safetensors")
    }
    var texts = RuntimeTexts(location.folder, names: names)
    let ascend = try AscendTexts(&texts, shards: shards)
    report.failures += texts.failures + ascend.failures
    report.warnings += ascend.warnings
    var output: Checkpoint?
    if source == nil { output = try opened() }
    guard let expectation = try expectation(orOf: output) else { return }
    let structure = try AscendStructure(shards, expectation, types: ascend.types)
    report.failures += structure.failures
    report.warnings += structure.warnings
    try measure(structure.tensors, expectation, files: shards.files, names: shards.names)
  }

  private mutating func checkCompressedTensors() throws(VerificationError) {
    guard let output = try opened() else { return }
    guard output.dialect == .compressedTensors else {
      throw .source(
        .data(
          InputProblem(
            file: location.folder, found: "a \(output.dialect) checkpoint",
            expected: "a GGUF, or a folder for ascend or compressed-tensors")))
    }
    report.files = output.files.map(\.name)
    report.warnings += output.warnings
    guard let expectation = try expectation(orOf: output) else { return }
    let structure = CompressedTensorsStructure(output, expectation)
    report.failures += structure.failures
    report.warnings += structure.warnings
    var files: [InputFile] = []
    for file in output.files {
      do throws(FileError) {
        files.append(try InputFile(path: file.path))
      } catch { throw .file(error) }
    }
    try measure(structure.tensors, expectation, files: files, names: report.files)
  }

  /// Files that only their owner can read are no use to a server that runs as somebody else.
  private mutating func checkModes() {
    for name in names {
      guard let isReadable = FileSystem.isReadableByAll(location.path(of: name)), !isReadable else {
        continue
      }
      report.warnings.append(
        "\(name.escapedForDisplay): only its owner may read it: chmod a+r for a server of its own")
    }
  }

  // MARK: Values

  private mutating func measure(
    _ described: [(tensor: CheckedTensor, type: String)], _ expectation: RuntimeExpectation,
    files: [InputFile], names: [String]
  ) throws(VerificationError) {
    let types = described.map(\.type)
    var tensors = described.map(\.tensor)
    var parity = try ParityPlan(expectation, activationsPath: options.activationsPath)
    try parity.assign(&tensors, types: types)
    report.notes += parity.notes
    let findings = try Sweep.run(tensors, files: files, checkpoint: source, options: options)
    let results = tensors.indices.map {
      (tensors[$0], types[$0], findings[$0], names[tensors[$0].file])
    }
    var scales = (beyondBF16: 0, beyondFP19: 0)
    for (tensor, type, finding, file) in results {
      judge(tensor, finding, file: file)
      let isCompared = tensor.expression != nil
      if case .integers = tensor.storage {
        scales.beyondBF16 += finding.integers.scalesBeyondBF16 > 0 ? 1 : 0
        scales.beyondFP19 +=
          type == AscendScheme.w4a8Dynamic.rawValue && finding.integers.scalesBeyondFP19 > 0
          ? 1 : 0
      }
      report.rows.append(
        VerificationReport.Row(
          name: tensor.name, file: file, type: type, shape: tensor.shape.dimensions,
          classification: isCompared
            ? (finding.sums.unequalCount == 0 ? .exact : .measured) : nil,
          sums: finding.sums, counts: finding.counts,
          status: isCompared ? .passed : .notMeasured))
    }
    report.addProducts(results)
    let wrong = Set(report.failures.compactMap(\.tensor))
    for index in report.rows.indices where wrong.contains(report.rows[index].name) {
      report.rows[index].status = .failed
    }
    warn(scales)
  }

  private mutating func warn(_ scales: (beyondBF16: Int, beyondFP19: Int)) {
    if scales.beyondBF16 > 0 {
      report.warnings.append(
        "the scales of \(scales.beyondBF16) weights are no numbers of BF16: runtimes round them")
    }
    if scales.beyondFP19 > 0 {
      report.warnings.append(
        "the scales of \(scales.beyondFP19) W4A8_DYNAMIC weights have bits that the matrix unit cuts, "
          + "but scale_bias keeps")
    }
  }

  private mutating func judge(_ tensor: CheckedTensor, _ finding: TensorFinding, file: String) {
    report.fail(finding.integers, file: file, tensor: tensor.name)
    if !finding.sums.output.isFinite {
      report.fail(
        file, tensor: tensor.name, "values", found: "NaN or infinity", expected: "finite values")
    }
    if case .values = tensor.expression, finding.sums.unequalCount > 0 {
      report.fail(
        file, tensor: tensor.name, "values", found: "\(finding.sums.unequalCount) others",
        expected: "ones: other tensors have the weights of this norm")
    }
    if tensor.format == .i32, case .numbers = tensor.storage, finding.sums.unequalCount > 0 {
      report.fail(
        file, tensor: tensor.name, "entries", found: "\(finding.sums.unequalCount) others",
        expected: "the same entries")
    }
  }
}
