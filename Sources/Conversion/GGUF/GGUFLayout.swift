import QuernContainers
import QuernQuantization
import QuernTensors

/// Lays planned tensors out in one GGUF file or in the parts of a split one.
struct GGUFLayout {
  let keyValues: [GGUFKeyValue]
  let tensors: [PlannedTensor]
  /// Position of the first of them in the plan.
  let firstTensor: Int
  /// File name without `.gguf`.
  let name: String
  let splitMaxByteCount: Int?

  /// The files, each with its header.
  ///
  /// A tensor never crosses parts; one larger than the limit gets a part of its own.
  func files() throws(ConversionError) -> [PlannedFile] {
    let parts = self.parts()
    guard parts.count > 1 else {
      return [try file(name: name + ".gguf", keyValues: keyValues, tensors: 0..<tensors.count)]
    }
    guard parts.count <= Int(UInt16.max) else {
      throw .data(
        InputProblem(
          file: name + ".gguf", field: "largest size of a part",
          found: "\(parts.count) parts, one for each tensor or few",
          expected: "at most \(UInt16.max) parts: choose a larger size"))
    }
    var files: [PlannedFile] = []
    for (number, part) in parts.enumerated() {
      let split: [GGUFKeyValue] = [
        .init("split.no", .uint16(UInt16(clamping: number))),
        .init("split.count", .uint16(UInt16(clamping: parts.count))),
        .init("split.tensors.count", .int32(Int32(clamping: tensors.count))),
      ]
      files.append(
        try file(
          name: GGUFSplitName(prefix: name, number: number + 1, count: parts.count).description,
          keyValues: number == 0 ? keyValues + split : split, tensors: part))
    }
    return files
  }

  private func parts() -> [Range<Int>] {
    guard let limit = splitMaxByteCount else { return [0..<tensors.count] }
    var parts: [Range<Int>] = []
    var (first, byteCount) = (0, 0)
    for (index, tensor) in tensors.enumerated() {
      if byteCount > 0, byteCount + tensor.byteCount > limit {
        parts.append(first..<index)
        (first, byteCount) = (index, 0)
      }
      byteCount += tensor.byteCount
    }
    parts.append(first..<tensors.count)
    return parts
  }

  private func file(name: String, keyValues: [GGUFKeyValue], tensors range: Range<Int>)
    throws(ConversionError) -> PlannedFile
  {
    do throws(GGUFError) {
      var entries: [GGUFHeader.Tensor] = []
      for tensor in tensors[range] {
        guard let format = tensor.storage.numberFormat,
          let type = GGMLType.named(format.ggmlName)
        else { continue }
        entries.append(GGUFHeader.Tensor(TensorName(tensor.name), type, tensor.shape))
      }
      let header = try GGUFHeader(keyValues: keyValues, tensors: entries, file: name)
      return PlannedFile(
        name: name, header: header.bytes, keyValues: keyValues,
        tensors: firstTensor + range.lowerBound..<firstTensor + range.upperBound,
        offsets: header.ranges.map { [$0.offset] }, byteCount: header.fileByteCount)
    } catch {
      throw .data(
        InputProblem(file: name, found: error.description, expected: "a header that GGUF can hold"))
    }
  }
}
