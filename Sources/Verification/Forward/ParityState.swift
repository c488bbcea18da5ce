import CKernels
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernModels
import QuernQuantization
import QuernTensors

/// Where a comparison is between two layers: both streams, and what was found so far.
struct ParityState {
  /// The layer to run next.
  var next: Int
  var reference: Activations
  var output: Activations
  var layers: [ParityFile.Layer]

  /// What a state belongs to: the headers of all files of both models, the tokens, the mode, the layers.
  static func fingerprint(
    _ reference: ModelRun, _ output: ModelRun, _ batch: TokenBatch, mode: ParityFile.Mode,
    layers: Range<Int>
  ) throws(ModelError) -> String {
    var text = "\(Conversion.toolVersion) \(mode.rawValue) \(layers)\n"
    for checkpoint in [reference.weights.model.checkpoint, output.weights.model.checkpoint] {
      for file in checkpoint.files {
        let hash: [UInt8]
        do throws(FileError) {
          let bytes = try InputFile(path: file.path).bytes(in: file.headerRange)
          hash = bytes.withUnsafeBytes { RowKernels.best.blake3($0) }
        } catch { throw .file(error) }
        text += "\(file.name) \(file.byteCount) \(hash)\n"
      }
    }
    text += "\(batch.sequences) \(batch.tokens)"
    return Array(text.utf8).withUnsafeBytes { RowKernels.best.blake3($0) }
      .map { String($0, radix: 16) }.joined(separator: ".")
  }

  /// The file that states are kept in, replaced whole after each layer.
  struct Store {
    let path: String
    let fingerprint: String

    /// The state that the file holds; nil where there is none or it belongs to another run.
    func load(rows: Int, width: Int) throws(ModelError) -> ParityState? {
      guard FileSystem.exists(path) else { return nil }
      do throws(SafetensorsError) {
        let input = try openInput()
        let file = try SafetensorsFile(input)
        guard file.metadata["fingerprint"] == fingerprint,
          let next = file.metadata["next"].flatMap({ Int($0) }),
          let layers = file.metadata["parity"].flatMap({
            try? ParityFile(parsing: Array($0.utf8), path: path).layers
          }),
          let reference = try stream("reference", file, input, rows, width),
          let output = try stream("output", file, input, rows, width)
        else { return nil }
        return ParityState(next: next, reference: reference, output: output, layers: layers)
      } catch {
        switch error {
        case .malformed: return nil
        case .unreadable(let error): throw .file(error)
        }
      }
    }

    private func openInput() throws(SafetensorsError) -> InputFile {
      do throws(FileError) { return try InputFile(path: path) } catch { throw .unreadable(error) }
    }

    private func stream(
      _ name: String, _ file: SafetensorsFile, _ input: InputFile, _ rows: Int, _ width: Int
    ) throws(SafetensorsError) -> Activations? {
      guard let tensor = file.tensors.first(where: { $0.name.text == name }),
        tensor.elementType == .f32, tensor.shape == [rows, width]
      else { return nil }
      let result = Activations(rows: rows, width: width)
      do throws(FileError) {
        try input.read(
          into: UnsafeMutableRawBufferPointer(result.values), at: tensor.range.offset)
      } catch { throw .unreadable(error) }
      return result
    }

    /// - Parameter found: the file that the layers so far would make.
    func save(_ state: ParityState, found: ParityFile) throws(ModelError) {
      let shape: Shape = [state.reference.rowCount, state.reference.width]
      do throws(SafetensorsError) {
        let header = try SafetensorsHeader(
          tensors: [.init("reference", .f32, shape), .init("output", .f32, shape)],
          metadata: [
            ("fingerprint", fingerprint), ("next", "\(state.next)"),
            ("parity", String(decoding: found.json, as: UTF8.self)),
          ], file: path)
        do throws(FileError) {
          let new = try NewFile(path, replacing: true)
          try new.file.write(header.bytes, at: 0)
          for (stream, range) in zip([state.reference, state.output], header.ranges) {
            try new.file.write(UnsafeRawBufferPointer(stream.values), at: range.offset)
          }
          try new.publish()
        } catch { throw .unreadable(error) }
      } catch {
        switch error {
        case .malformed(let problem): throw .data(problem)
        case .unreadable(let error): throw .file(error)
        }
      }
    }

    func remove() {
      if FileSystem.exists(path) { try? FileSystem.remove(path) }
    }
  }
}
