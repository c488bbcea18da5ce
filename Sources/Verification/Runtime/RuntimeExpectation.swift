import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// The tensors that a runtime looks for, and what each was made of.
struct RuntimeExpectation {
  let tensors: [RuntimeTensor]
  /// The table's name for the architecture; nil where none knows it.
  let architecture: String?
  private let checkpoint: Checkpoint
  /// Whether values can be compared with the checkpoint's.
  private let hasSource: Bool
  /// Whether the output's weights are rotated, and how those of each tensor are.
  private let isRotated: Bool
  private var rotations: [String: SourceRotation] = [:]

  /// - Parameters:
  ///   - checkpoint: the source, or else the output itself, for names and shapes alone.
  ///   - draft: whether the output is to have the draft stages.
  ///   - isRotated: whether the output's weights are rotated.
  init(
    _ checkpoint: Checkpoint, isSource: Bool, draft: Bool, isRotated: Bool
  ) throws(CheckpointError) {
    self.checkpoint = checkpoint
    hasSource = isSource
    self.isRotated = isRotated
    guard ModelFamily.knows(checkpoint) else {
      tensors = RuntimeMap.withoutTable(checkpoint).tensors
      architecture = nil
      return
    }
    let parameters = try ModelFamily.parameters(of: checkpoint, keepsDraft: draft)
    tensors = try RuntimeMap(checkpoint: checkpoint, parameters: parameters).tensors
    architecture = parameters.table.architecture
    guard isRotated, isSource else { return }
    var reader = SourceRotations(checkpoint)
    do throws(FileError) {
      rotations = try reader.rotations(of: tensors)
    } catch { throw .file(error) }
  }

  /// What a tensor must be equal to, or near; nil without a source.
  func expression(of tensor: RuntimeTensor) -> TensorExpression? {
    guard hasSource else { return nil }
    guard isRotated, tensor.rotation == .ones else { return tensor.expression }
    return .values(Array(repeating: 1, count: Shape(tensor.shape).elementCount))
  }

  /// How the source of a tensor was rotated; nil where it was not.
  func rotation(of tensor: RuntimeTensor) -> SourceRotation? { rotations[tensor.name] }

  /// Rows of about 1 MiB of source, never fewer than share bytes or, mostly, a scale.
  func grid(of tensor: RuntimeTensor, granule: Int) -> ChunkGrid {
    let granule = max(granule, rotation(of: tensor)?.rowGranule ?? 1)
    let shape = Shape(tensor.shape)
    var (rowByteCount, rows) = (4 * shape.rowLength, granule)
    if hasSource, let source = tensor.expression.sources.first {
      let source = checkpoint.tensors[source.tensor]
      rowByteCount = source.rowByteCount
      let own = ChunkGrid.granule(
        rowsPerScale: source.rowGranule, sourceRowByteCount: source.rowByteCount)
      rows = max(1, own / granule) * granule
    }
    return ChunkGrid(
      parts: 1, rowsPerPart: shape.rowCount, sourceRowByteCount: rowByteCount, granule: rows)
  }
}
