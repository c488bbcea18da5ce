import QuernCheckpoints
import QuernContainers
import QuernModels
import QuernTensors

/// What a model computes for tokens, written as a safetensors file of float32.
package struct LogitsRun: Sendable {
  package struct Options: Sendable {
    /// Whether the streams after each layer are written too.
    package var hidden = false
    /// Whether the logits of the draft stage are.
    package var draft = false
    package var mode = ProductMode.decoded
    package var threadCount = 2

    package init() {}
  }

  private let run: ModelRun
  private let options: Options
  private let batch: TokenBatch
  private let header: SafetensorsHeader
  private let names: [String]

  /// Decides the whole file before anything is computed.
  ///
  /// - Parameter source: where the tokens came from, for messages.
  /// - Throws: `ModelError` for a checkpoint that cannot be run and tokens that it does not take.
  package init(
    _ checkpoint: Checkpoint, _ batch: TokenBatch, source: String, options: Options,
    control: RunControl
  ) throws(ModelError) {
    run = try ModelRun(
      checkpoint, mode: options.mode,
      workers: Workers(count: options.threadCount, control: control))
    (self.batch, self.options) = (batch, options)
    let pass = run.pass
    if options.draft, !run.weights.model.hasDraft {
      throw .data(
        InputProblem(
          file: checkpoint.folder, field: "draft stage", found: "none",
          expected: "a model with a draft stage that can be run"))
    }
    do throws(InputProblem) {
      try batch.check(vocabulary: pass.vocabulary, context: pass.context, source: source)
    } catch { throw .data(error) }
    let rows = batch.rowCount
    var tensors = [("logits", [rows, pass.vocabulary])]
    if options.draft {
      tensors.append(("mtp_logits", [rows - batch.sequences.count, pass.vocabulary]))
    }
    if options.hidden {
      tensors += (0..<pass.layerCount).map {
        pass.streamCount == 1
          ? ("hidden.\($0)", [rows, pass.hiddenWidth])
          : ("streams.\($0)", [rows, pass.streamCount, pass.hiddenWidth])
      }
    }
    names = tensors.map(\.0)
    do throws(SafetensorsError) {
      header = try SafetensorsHeader(
        tensors: tensors.map { SafetensorsHeader.Tensor(TensorName($0.0), .f32, Shape($0.1)) },
        file: "logits")
    } catch {
      throw .data(
        InputProblem(file: source, found: "\(error)", expected: "logits that a file can hold"))
    }
  }

  package var fileByteCount: Int { header.fileByteCount }
  package var tokenCount: Int { batch.rowCount }
  package var vocabulary: Int { run.pass.vocabulary }

  /// Runs the model and writes the file; on any failure nothing is left.
  package func write(to path: String, overwrite: Bool) throws(ModelError) {
    let new: NewFile
    do throws(FileError) { new = try NewFile(path, replacing: overwrite) } catch {
      throw .file(error)
    }
    do throws(ModelError) {
      try write(to: new.file)
    } catch {
      new.discard()
      throw error
    }
    do throws(FileError) { try new.publish() } catch { throw .file(error) }
  }

  private func write(to file: OutputFile) throws(ModelError) {
    do throws(FileError) {
      try file.setByteCount(header.fileByteCount)
      try file.write(header.bytes, at: 0)
    } catch { throw .file(error) }
    let (pass, products) = (run.pass, run.products)
    let stream = try pass.embed(batch, products)
    for layer in 0..<pass.layerCount {
      _ = try pass.run(layer: layer, stream, batch, products)
      guard options.hidden else { continue }
      let index = names.count - pass.layerCount + layer
      try write(stream.values, at: header.ranges[index].offset, file)
    }
    try run.forEachLogits(try pass.finish(stream, products)) {
      (range, part) throws(ModelError) in
      try writeLogits(part, range, at: header.ranges[0].offset, file)
    }
    guard options.draft else { return }
    try run.forEachDraftLogits(stream, batch) { (range, part) throws(ModelError) in
      try writeLogits(part, range, at: header.ranges[1].offset, file)
    }
  }

  private func writeLogits(
    _ part: Activations, _ vocabulary: Range<Int>, at offset: Int, _ file: OutputFile
  ) throws(ModelError) {
    for row in 0..<part.rowCount {
      let place = row * run.pass.vocabulary + vocabulary.lowerBound
      try write(part.row(row), at: offset + 4 * place, file)
    }
  }

  private func write(
    _ values: UnsafeMutableBufferPointer<Float>, at offset: Int, _ file: OutputFile
  ) throws(ModelError) {
    do throws(FileError) {
      try file.write(UnsafeRawBufferPointer(values), at: offset)
    } catch { throw .file(error) }
  }
}
