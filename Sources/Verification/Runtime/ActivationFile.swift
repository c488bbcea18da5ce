import QuernContainers
import QuernConversion
import QuernKernels
import QuernTensors

/// Activations in a safetensors file: [tokens, inputs] of F32, F16 or BF16, named as the weights that
/// they are for.
struct ActivationFile {
  private let file: InputFile
  private let tensors: [TensorName: SafetensorsTensor]

  /// The first tokens tell as much as thousands.
  private static let maximumTokenCount = 64

  init(path: String) throws(VerificationError) {
    do throws(FileError) {
      file = try InputFile(path: path)
    } catch { throw .file(error) }
    do throws(SafetensorsError) {
      tensors = Dictionary(
        uniqueKeysWithValues: try SafetensorsFile(file).tensors.map { ($0.name, $0) })
    } catch {
      switch error {
      case .unreadable(let problem): throw .file(problem)
      case .malformed(let problem): throw .source(.data(problem))
      }
    }
  }

  var names: [String] { tensors.keys.map(\.text).sorted() }

  /// The activations of a weight; nil where the file has none of it.
  func inputs(of weight: String, width: Int) throws(VerificationError) -> ParityInputs? {
    guard let tensor = tensors[TensorName(weight)] else { return nil }
    guard [.f32, .f16, .bf16].contains(tensor.elementType), tensor.shape.rank == 2,
      tensor.shape.rowLength == width, tensor.shape.rowCount > 0
    else {
      throw problem(
        tensor, found: "\(tensor.elementType.rawValue) \(tensor.shape)",
        expected: "F32, F16 or BF16 of [tokens, \(width)]")
    }
    let count = min(Self.maximumTokenCount, tensor.shape.rowCount) * width
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try file.bytes(
        in: ByteRange(
          offset: tensor.range.offset, byteCount: count * tensor.elementType.bitWidth / 8))
    } catch { throw .file(error) }
    let values = bytes.withUnsafeBytes { bytes in
      (0..<count).map { IntegerTile.number(bytes, tensor.elementType, at: $0) }
    }
    do throws(KernelError) {
      return try ParityInputs(
        FloatMatrix(rows: count / width, columns: width, values: values), isRandom: false)
    } catch {
      throw problem(tensor, found: "\(error)", expected: "finite numbers")
    }
  }

  private func problem(_ tensor: SafetensorsTensor, found: String, expected: String)
    -> VerificationError
  {
    .source(
      .data(
        InputProblem(
          file: file.path, tensor: tensor.name, found: found, expected: expected)))
  }
}
