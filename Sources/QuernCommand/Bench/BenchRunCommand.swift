import ArgumentParser
import Quern
import QuernContainers
import QuernModels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct BenchRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Measures a forward pass through one layer of DeepSeek-V4-Flash's shape.",
    discussion: """
      A layer with compressed attention, an indexer and 256 routed experts, random FP4 and FP8 weights, is \
      written to disk and run with tokens. Beside it, in the same run: reading and decoding the same \
      weights without any product, products of single slices at the row counts that a layer has, and the \
      multiply-adds that a thread makes at its peak.

      EXAMPLES
        quern bench run
        quern bench run --tokens 2048 --threads 1 --json
      """)

  @Option(help: "Tokens, one sequence.")
  var tokens = 512

  @Option(help: "Worker threads.")
  var threads = 2

  @Option(help: "Runs; the median counts.")
  var runs = 3

  @Option(help: "Folder for the synthetic files, 3.6 GB; they are removed at the end.")
  var folder = "."

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...1 << 16).contains(tokens) else {
      throw ValidationError("--tokens is 1 to \(1 << 16)")
    }
    guard threads > 0, runs > 0 else {
      throw ValidationError("--threads and --runs must be positive")
    }
  }

  func run() throws {
    let scratch = "\(folder)/quern-bench-\(getpid())"
    try FileSystem.makeFolder(scratch)
    defer { try? FileSystem.removeTree(scratch) }
    _ = try FlashLayer.checkpoint(folder: scratch, context: tokens).write()
    let checkpoint = try Checkpoint.open(scratch, environment: [:])
    var report = ForwardBenchReport(tokens: tokens, threads: threads)
    for rows in [12, 64, 512] {
      report.products.append(ProductBenchmark(rows: rows).measure(runs: runs))
    }
    for _ in 0..<runs { report.layers.append(try measure(checkpoint)) }
    try StandardOutput.write((json ? report.json : report.text) + "\n")
  }

  private func measure(_ checkpoint: Checkpoint) throws -> ForwardBenchReport.Layer {
    let control = RunControl()
    let model = try ModelRun(
      checkpoint, workers: Workers(count: threads, control: control))
    let batch = TokenBatch([(0..<tokens).map { UInt32($0 * 7 % FlashLayer.vocabulary) }])
    let stream = try model.pass.embed(batch, model.products)
    let embedded = control.processedByteCount
    let clock = ContinuousClock()
    PeakMemory.reset()
    let start = clock.now
    _ = try model.pass.run(layer: 0, stream, batch, model.products)
    let seconds = (clock.now - start) / .seconds(1)
    let peak = PeakMemory.byteCount
    let (byteCount, products) = (control.processedByteCount - embedded, control.multiplyAddCount)
    let reading = clock.now
    try model.products.readAll(layer: 0)
    return ForwardBenchReport.Layer(
      seconds: seconds, byteCount: byteCount, multiplyAddCount: products, peakByteCount: peak,
      readingSeconds: (clock.now - reading) / .seconds(1))
  }
}
