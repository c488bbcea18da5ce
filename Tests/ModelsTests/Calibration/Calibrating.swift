import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernModels

/// A calibration of a model of `testdata/` into a folder of its own.
struct Calibrating {
  let folder: TemporaryFolder
  let run: CalibrationRun

  init(
    _ path: String, threads: Int = 2, options: CalibrationOptions = CalibrationOptions()
  ) throws {
    folder = try TemporaryFolder()
    run = try CalibrationRun(
      try Checkpoint.open(TestData.url(path).path, environment: [:]), options: options,
      workers: Workers(count: threads, control: RunControl()))
  }

  var output: CalibrationOutput {
    CalibrationOutput(path: folder.path("c"), kinds: run.plan.options.kinds)
  }

  @discardableResult
  func collect(_ chunks: TokenChunks, dataset: String = "text", overwrite: Bool = false) throws
    -> CalibrationResult
  {
    try run.collect(chunks, dataset: dataset, into: output, overwrite: overwrite)
  }

  func imatrix() throws -> ImatrixFile { try ImatrixFile(path: output.imatrixPath) }

  func statistics() throws -> CalibrationFile {
    let file = try CalibrationFile(path: output.statisticsPath)
    try file.checkMatrices()
    return file
  }

  /// The tokens of the family's reference, in sequences of 40.
  static func chunks(_ family: String) throws -> TokenChunks {
    let tokens = try ReferenceTensors("families/\(family).reference.safetensors").tokens()
    return TokenChunks(tokens, length: 40, beginning: nil)
  }
}

extension CalibrationFile {
  /// The matrix of a block, by rows.
  func matrix(_ entry: Entry, block: Int = 0, expert: Int = 0) throws -> [Float] {
    var values = [Float](repeating: 0, count: entry.widths[block] * entry.widths[block])
    try values.withUnsafeMutableBufferPointer {
      try read(entry, block: block, expert: expert, into: $0)
    }
    return values
  }
}

/// The largest |found − wanted| / wanted.
func largestDeviation(_ found: some Sequence<Float>, _ wanted: some Sequence<Float>) -> Float {
  zip(found, wanted).reduce(0) { largest, pair in
    max(largest, (pair.0 - pair.1).magnitude / pair.1.magnitude)
  }
}
