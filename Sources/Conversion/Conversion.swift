import QuernCertificates
import QuernContainers
import QuernQuantization

/// Runs a plan: converts every chunk on all threads, certifies what came out, publishes the files.
public struct Conversion: Sendable {
  /// The version of the tool, as certificates name it.
  public static let toolVersion = "0.1.0"

  private let plan: ConversionPlan
  private let outputPath: String
  private let threadCount: Int
  private let overwrite: Bool
  private let restart: Bool
  private let durable: Bool
  private let kernels: RowKernels

  /// - Parameters:
  ///   - outputPath: where the GGUF goes; parts of a split output and the draft file stand beside it.
  ///   - threadCount: workers; the output does not depend on it.
  ///   - overwrite: replace files that exist.
  ///   - restart: remove what an earlier, broken conversion left.
  public init(
    _ plan: ConversionPlan, outputPath: String, threadCount: Int, overwrite: Bool = false,
    restart: Bool = false
  ) {
    self.init(
      plan, outputPath: outputPath, threadCount: threadCount, overwrite: overwrite,
      restart: restart,
      durable: true, kernels: .best)
  }

  package init(
    _ plan: ConversionPlan, outputPath: String, threadCount: Int, overwrite: Bool = false,
    restart: Bool = false, durable: Bool = true, kernels: RowKernels = .best
  ) {
    self.plan = plan
    self.outputPath = outputPath
    self.threadCount = max(1, threadCount)
    self.overwrite = overwrite
    self.restart = restart
    self.durable = durable
    self.kernels = kernels
  }

  /// Converts and returns the certificate that now lies beside the output.
  ///
  /// - Throws: `ConversionError`; nothing of the output is left then.
  public func run(_ control: RunControl = RunControl()) throws(ConversionError)
    -> Certificate
  {
    var outputs = try output()
    var sources: [String] = []
    for file in plan.checkpoint.files {
      if let path = try? FileSystem.canonicalPath(file.path) { sources.append(path) }
    }
    try outputs.check(overwrite: overwrite, restart: restart, sources: sources)
    try checkSpace(FileSystem.parent(of: outputPath))
    do throws(ConversionError) {
      try outputs.create(plan, durable: durable)
      let rows = try convert(outputs.files, control)
      let certificate = plan.certificate(rows, kernels: kernels)
      try outputs.publish(
        certificate: { (file) throws(FileError) in try Self.write(certificate, to: file) },
        overwrite: overwrite, durable: durable)
      return certificate
    } catch {
      outputs.discard()
      throw error
    }
  }

  /// Files beside each other for GGUF, a folder for all else.
  private func output() throws(ConversionError) -> any ConversionOutput {
    guard plan.target == .gguf else {
      return OutputFolder(path: outputPath, names: plan.files.map(\.name))
    }
    let certificate = Self.certificateName(forOutput: outputPath)
    guard certificate == Self.certificateName(forOutput: plan.outputName + ".gguf") else {
      throw .cannotCreate(
        path: outputPath, reason: "the plan is for a file named \(plan.outputName).gguf",
        advice: "plan with the output's name")
    }
    return OutputFiles(
      folder: FileSystem.parent(of: outputPath), names: plan.files.map(\.name),
      certificateName: certificate)
  }

  /// Bytes a run allocates for its buffers: they depend on the plan and the threads, never on the
  /// model's size.
  public var bufferByteCount: Int {
    threadCount * WorkerBuffers.Sizes(plan).byteCount
      + FactorCache.byteCount(plan, threadCount: threadCount)
  }

  /// `out.gguf.certificate.json` for `out.gguf`.
  public static func certificateName(forOutput path: String) -> String {
    (path.split(separator: "/").last.map(String.init) ?? path) + ".certificate.json"
  }

  /// The name of the certificate in a folder.
  public static var folderCertificateName: String { OutputFolder.certificateName }

  private func checkSpace(_ folder: String) throws(ConversionError) {
    guard let free = try? FileSystem.freeByteCount(at: folder), free < plan.outputByteCount else {
      return
    }
    throw .cannotCreate(
      path: folder, reason: "\(plan.outputByteCount) bytes are needed, \(free) are free",
      advice: "make room or choose another disk")
  }

  private func convert(_ outputs: [OutputFile], _ control: RunControl)
    throws(ConversionError)
    -> [CertificateRow]
  {
    let queue = ChunkQueue(plan)
    let collector = CertificateCollector(plan, kernels: kernels)
    let pool = FilePool()
    let sizes = WorkerBuffers.Sizes(plan)
    let factors = FactorCache(plan)
    let (plan, kernels) = (plan, kernels)
    Threads.run(min(threadCount, max(1, queue.count))) { _ in
      let worker = ChunkWorker(
        plan, kernels: kernels, pool: pool, outputs: outputs, factors: factors, sizes: sizes)
      while let chunk = queue.take() {
        if control.isInterrupted { return queue.fail(.interrupted, at: chunk.index) }
        do throws(ConversionError) {
          let (outcome, byteCount) = try worker.convert(chunk)
          collector.add(outcome, tensor: chunk.tensor, chunk: chunk.chunk)
          control.add(byteCount)
        } catch { queue.fail(error, at: chunk.index) }
      }
    }
    if let error = queue.firstError { throw error }
    return collector.rows()
  }

  private static func write(_ certificate: Certificate, to file: OutputFile) throws(FileError) {
    var offset = 0
    try certificate.write { (piece) throws(FileError) in
      try file.write(piece, at: offset)
      offset += piece.count
    }
  }
}
