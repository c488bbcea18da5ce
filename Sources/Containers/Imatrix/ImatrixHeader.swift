import QuernTensors

/// The header of an imatrix to write as GGUF, as llama.cpp writes it: weights in the order of their
/// names' bytes, of each the sums and then the counts. Pure data.
package struct ImatrixHeader: Equatable, Sendable {
  /// A weight whose inputs were added up.
  package struct Entry: Equatable, Sendable {
    package let name: String
    /// Inputs of one part.
    package let inputCount: Int
    package let partCount: Int
    /// Whether parts are experts, which have a count each.
    package let hasExperts: Bool

    package init(name: String, inputCount: Int, partCount: Int, hasExperts: Bool) {
      (self.name, self.inputCount) = (name, inputCount)
      (self.partCount, self.hasExperts) = (partCount, hasExperts)
    }
  }

  /// In the order of the file.
  package let entries: [Entry]
  /// Of each entry F32 sums [parts, inputs], and where they go.
  package let sums: [ByteRange]
  /// Of each entry F32 counts: one for each expert, else one.
  package let counts: [ByteRange]
  package let bytes: [UInt8]
  package let fileByteCount: Int

  /// - Parameters:
  ///   - datasets: names of the texts.
  ///   - chunkSize: tokens of a chunk.
  /// - Throws: `GGUFError` for names and sizes that no reader would take.
  package init(
    _ entries: [Entry], datasets: [String], chunkCount: UInt32, chunkSize: UInt32, file: String
  ) throws(GGUFError) {
    self.entries = entries.sorted { TensorName($0.name) < TensorName($1.name) }
    var names = GGUFStrings()
    for dataset in datasets { names.append(dataset.utf8) }
    let header = try GGUFHeader(
      keyValues: [
        GGUFKeyValue("general.type", .text("imatrix")),
        GGUFKeyValue("imatrix.datasets", .array(.strings(names))),
        GGUFKeyValue("imatrix.chunk_count", .uint32(chunkCount)),
        GGUFKeyValue("imatrix.chunk_size", .uint32(chunkSize)),
      ], tensors: self.entries.flatMap(\.tensors), file: file)
    let ranges = header.ranges
    sums = stride(from: 0, to: ranges.count, by: 2).map { ranges[$0] }
    counts = stride(from: 1, to: ranges.count, by: 2).map { ranges[$0] }
    (bytes, fileByteCount) = (header.bytes, header.fileByteCount)
  }
}

extension ImatrixHeader.Entry {
  fileprivate var tensors: [GGUFHeader.Tensor] {
    let sums: Shape = hasExperts ? [partCount, inputCount] : [partCount * inputCount]
    return [
      GGUFHeader.Tensor(TensorName(name + ".in_sum2"), .f32, sums),
      GGUFHeader.Tensor(TensorName(name + ".counts"), .f32, hasExperts ? [partCount, 1] : [1]),
    ]
  }
}
