import QuernCheckpoints
import QuernContainers

/// One pass over the layers of a model that collects what encoders want to know of its inputs.
///
/// Memory: the hidden states of all tokens, what a layer makes of them, the sums of one layer, and
/// Σ x xᵀ of the weights of one layer that have one each; of experts one at a time.
package struct CalibrationRun: Sendable {
  package let plan: CalibrationPlan
  private let run: ModelRun

  /// - Throws: `CalibrationFailure` for a model that cannot be run, or without what is asked for.
  package init(_ checkpoint: Checkpoint, options: CalibrationOptions, workers: Workers)
    throws(CalibrationFailure)
  {
    do throws(ModelError) {
      run = try ModelRun(checkpoint, cache: options.cache, workers: workers)
    } catch { throw .model(error) }
    plan = CalibrationPlan(run, options: options)
    if options.includesOutput, run.pass.outputName != CalibratedWeight.outputName {
      throw .model(
        .data(
          InputProblem(
            file: checkpoint.folder, tensor: CalibratedWeight.outputName, found: "no such tensor",
            expected: "an output weight of its own to collect for",
            hint: "this model's is its embedding")))
    }
  }

  /// Positions that the model was made for.
  package var context: Int { run.pass.context }

  /// Refuses tokens that the model does not take.
  package func check(_ chunks: TokenChunks, source: String) throws(CalibrationFailure) {
    do throws(InputProblem) {
      try chunks.batch.check(
        vocabulary: run.pass.vocabulary, context: run.pass.context, source: source)
    } catch { throw .model(.data(error)) }
  }

  /// Refuses what would take more of the disk than was allowed.
  package func checkSize(_ output: CalibrationOutput) throws(CalibrationFailure) {
    guard plan.diskByteCount <= plan.options.maximumByteCount else {
      throw .cannotCreate(
        path: output.path,
        reason: "up to \(plan.diskByteCount) bytes are needed on the disk, "
          + "\(plan.options.maximumByteCount) are allowed",
        advice: "allow more with --max-disk, or collect less")
    }
  }

  /// Runs the model and writes the files; on any failure nothing is left.
  ///
  /// - Parameter dataset: the name of the text.
  package func collect(
    _ chunks: TokenChunks, dataset: String, into output: CalibrationOutput, overwrite: Bool
  ) throws(CalibrationFailure) -> CalibrationResult {
    try check(chunks, source: dataset)
    try checkSize(output)
    try output.check(byteCount: plan.diskByteCount, overwrite: overwrite)
    var files: [OutputFile] = []
    do throws(CalibrationFailure) {
      let result = try collect(chunks, dataset: dataset, into: output, overwrite, &files)
      if output.writesImatrix, let collected = files.last { output.discard([collected]) }
      return result
    } catch {
      output.discard(files)
      throw error
    }
  }

  /// - Parameter files: those that were created: the outputs in their order, then the sums of squares.
  private func collect(
    _ chunks: TokenChunks, dataset: String, into output: CalibrationOutput, _ overwrite: Bool,
    _ files: inout [OutputFile]
  ) throws(CalibrationFailure) -> CalibrationResult {
    for path in output.paths { files.append(try output.create(path)) }
    if output.writesImatrix { files.append(try output.create(output.collectedPath)) }
    let outputs = Array(files[..<output.paths.count])
    let statistics = output.writesStatistics ? StatisticsWriter(plan, files[0]) : nil
    let imatrix = output.writesImatrix ? files.last.map(ImatrixWriter.init) : nil
    var pass = CalibrationPass(run, plan, statistics: statistics, imatrix: imatrix)
    var result: CalibrationResult
    do throws(ModelError) {
      try pass.collect(chunks.batch)
      try statistics?.finish(tokenCount: chunks.batch.rowCount)
      if let last = outputs.last {
        try pass.imatrix?.finish(
          last, dataset: dataset, chunkCount: chunks.count, chunkSize: chunks.length)
      }
      result = pass.result
      for (path, file) in zip(output.paths, outputs) {
        result.files.append(.init(path: path, byteCount: try file.path.fileByteCount))
      }
    } catch { throw .model(error) }
    try output.publish(outputs, overwrite: overwrite)
    result.tokenCount = chunks.batch.rowCount
    result.chunkCount = chunks.count
    return result
  }
}

extension String {
  fileprivate var fileByteCount: Int {
    get throws(ModelError) {
      do throws(FileError) { return try InputFile(path: self).byteCount } catch {
        throw .file(error)
      }
    }
  }
}
