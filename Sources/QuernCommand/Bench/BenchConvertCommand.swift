import ArgumentParser
import Quern
import QuernContainers
import QuernConversion
import QuernQuantization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct BenchConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Measures conversions of synthetic checkpoints beside cp and beside the bare pipeline.",
    discussion: """
      Every row is the median of interleaved runs on a warm page cache: `cp` of the source files, the
      null pipeline (same reads and writes, no arithmetic) and the conversion with its full
      certificate. The first table leaves out fsync on all sides, the second has it on all.

      EXAMPLES
        quern bench convert --size 2GB
        quern bench convert --size 500MB --threads 1 --case bf16-q8_0 --json
      """)

  @Option(help: "Bytes of each synthetic checkpoint, such as 500MB or 2GB.")
  var size = "2GB"

  @Option(help: "Worker threads.")
  var threads = 2

  @Option(help: "Interleaved runs of each side.")
  var runs = 5

  @Option(name: .customLong("case"), help: "Only cases whose name contains this text.")
  var filter: String?

  @Option(help: "Folder for the synthetic files; they are removed at the end.")
  var folder = "."

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    guard let byteCount = ByteSize(argument: size)?.byteCount, byteCount >= 1_000_000 else {
      throw ValidationError("--size: expected a size of at least 1MB such as 2GB, found \(size)")
    }
    guard threads > 0, runs > 0 else {
      throw ValidationError("--threads and --runs must be positive")
    }
    let scratch = "\(folder)/quern-bench-\(getpid())"
    try FileSystem.makeFolder(scratch)
    defer { removeFolder(scratch) }
    var results: [BenchResult] = []
    for benchCase in BenchCase.all where filter.map(benchCase.name.contains) ?? true {
      results += try measure(benchCase, byteCount: byteCount, scratch: scratch)
    }
    let text =
      json
      ? BenchReport.json(results, threads: threads) : BenchReport.table(results, threads: threads)
    try StandardOutput.write(text + "\n")
  }

  private func measure(_ benchCase: BenchCase, byteCount: Int, scratch: String) throws
    -> [BenchResult]
  {
    let source = scratch + "/source"
    let output = scratch + "/output"
    for path in [source, output] { try FileSystem.makeFolder(path) }
    defer { for path in [source, output] { removeFolder(path) } }
    let tensorBytes = try benchCase.checkpoint(folder: source, byteCount: byteCount).write()
    let checkpoint = try Checkpoint.open(source, environment: [:])
    let plan = try ConversionPlan(
      benchCase.target, of: checkpoint, recipe: benchCase.loadRecipe(),
      options: ConversionOptions(), outputName: "bench")
    return try [false, true].map { durable in
      var result = BenchResult(
        name: benchCase.name, durable: durable, sourceByteCount: tensorBytes,
        outputByteCount: plan.outputByteCount)
      // One round first that is not counted: it fills the page cache.
      for round in 0...runs {
        let copy = try timed { try self.copy(checkpoint, to: output, durable: durable) }
        removeContents(output)
        let null = try timed { try self.convert(plan, output, durable, kernels: .null) }
        removeContents(output)
        PeakMemory.reset()
        let convert = try timed { try self.convert(plan, output, durable, kernels: .best) }
        result.peakByteCount = max(result.peakByteCount, PeakMemory.byteCount)
        removeContents(output)
        if round > 0 { result.add(copy: copy, null: null, convert: convert) }
      }
      return result
    }
  }

  private func convert(
    _ plan: ConversionPlan, _ folder: String, _ durable: Bool, kernels: RowKernels
  ) throws {
    _ = try Conversion(
      plan, outputPath: folder + (plan.target == .gguf ? "/bench.gguf" : "/bench"),
      threadCount: threads, durable: durable,
      kernels: kernels
    ).run()
  }

  private func copy(_ checkpoint: Checkpoint, to folder: String, durable: Bool) throws {
    try CopyProcess.run(checkpoint.files.map { checkpoint.folder + "/" + $0.name }, to: folder)
    if durable { try CopyProcess.synchronize(checkpoint.files.map { folder + "/" + $0.name }) }
  }

  private func timed(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let duration = try clock.measure(body)
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  private func removeContents(_ folder: String) {
    for name in (try? FileSystem.list(folder)) ?? [] {
      try? FileSystem.removeTree(folder + "/" + name)
    }
  }

  private func removeFolder(_ folder: String) {
    removeContents(folder)
    rmdir(folder)
  }
}
