import QuernContainers
import QuernTensors

extension SourceChunk {
  /// Checks that code 0 stands for 0 in every row: offsets would be left out of the values in silence.
  package func checkOffsets(_ checkpoint: Checkpoint, _ pool: FilePool) throws(CheckpointError) {
    for segment in segments {
      guard let offset = segment.tensor.offset else { continue }
      let perRow = offset.shape.rowLength
      let width = offset.elementType.bitWidth / 8
      let path = checkpoint.files[offset.file].path
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try pool.file(at: path).bytes(
          in: ByteRange(
            offset: offset.range.offset + segment.firstScaleRow * perRow * width,
            byteCount: segment.scaleRowCount * perRow * width))
      } catch { throw .file(error) }
      guard let index = Self.firstOffset(bytes, offset.elementType) else { continue }
      throw .problem(
        InputProblem(
          file: path, tensor: offset.name,
          field: "row \(segment.firstScaleRow + index / perRow), group \(index % perRow)",
          found: "an offset that is not zero", expected: "symmetric weights: others cannot be read")
      )
    }
  }

  /// The first element that is not zero of either sign.
  private static func firstOffset(_ bytes: [UInt8], _ type: ElementType) -> Int? {
    let width = type.bitWidth / 8
    let isFloat = [.f32, .f16, .bf16].contains(type)
    let index = bytes.indices.first { index in
      let isLast = index % width == width - 1
      return bytes[index] & (isFloat && isLast ? 0x7f : 0xff) != 0
    }
    return index.map { $0 / width }
  }
}
