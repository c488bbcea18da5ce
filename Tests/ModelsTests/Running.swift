import QuernCheckpoints
import QuernContainers
import QuernTestSupport

@testable import QuernModels

/// Models of `testdata/` that tests run.
enum Running {
  /// - Parameter path: below `testdata/`.
  static func run(_ path: String, mode: ProductMode = .decoded, threads: Int = 2) throws -> ModelRun
  {
    try run(at: TestData.url(path).path, mode: mode, threads: threads)
  }

  /// A model that is written to a folder, which must outlive the run.
  static func run(_ model: CheckpointBuilder, in folder: TemporaryFolder) throws -> ModelRun {
    try run(at: try model.write("model", in: folder))
  }

  static func run(at path: String, mode: ProductMode = .decoded, threads: Int = 2) throws
    -> ModelRun
  {
    try ModelRun(
      try Checkpoint.open(path, environment: [:]), mode: mode,
      workers: Workers(count: threads, control: RunControl()))
  }

  /// The streams after each layer, and the logits: [rows, vocabulary].
  static func forward(_ run: ModelRun, _ batch: TokenBatch) throws -> (
    streams: [Activations], traces: [LayerTrace], logits: Activations
  ) {
    let stream = try run.pass.embed(batch, run.products)
    var streams: [Activations] = []
    var traces: [LayerTrace] = []
    for layer in 0..<run.pass.layerCount {
      traces.append(try run.pass.run(layer: layer, stream, batch, run.products))
      streams.append(stream.copy())
    }
    let finished = try run.pass.finish(stream, run.products)
    let logits = Activations(rows: batch.rowCount, width: run.pass.vocabulary)
    try run.forEachLogits(finished) { range, part in
      for row in 0..<part.rowCount {
        for (column, value) in zip(range, part.row(row)) { logits.row(row)[column] = value }
      }
    }
    return (streams, traces, logits)
  }
}
