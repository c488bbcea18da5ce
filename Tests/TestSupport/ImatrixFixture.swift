import QuernContainers
import QuernTensors

/// Importance data to write in either form.
package struct ImatrixFixture {
  package struct Entry {
    package var name: String
    /// Sums of squares: columns of each expert, one expert behind the other.
    package var sums: [Float]
    /// Rows that were added up, for each expert.
    package var counts: [Float]

    package init(_ name: String, sums: [Float], counts: [Float]) {
      (self.name, self.sums, self.counts) = (name, sums, counts)
    }
  }

  package var entries: [Entry]
  package var keyValues: [GGUFKeyValue] = [
    .init("general.type", .text("imatrix")), .init("imatrix.datasets", .array(.strings(.init()))),
    .init("imatrix.chunk_count", .uint32(1)), .init("imatrix.chunk_size", .uint32(128)),
  ]

  package init(_ entries: [Entry]) { self.entries = entries }

  /// As GGUF. `suffixes` are those of sums and counts; an empty one leaves the tensor out.
  package func gguf(suffixes: [String] = [".in_sum2", ".counts"]) throws -> [UInt8] {
    var tensors: [(GGUFHeader.Tensor, [UInt8])] = []
    for entry in entries {
      let experts = entry.counts.count
      let shape: Shape = experts > 1 ? [experts, entry.sums.count / experts] : [entry.sums.count]
      let counts: Shape = experts > 1 ? [experts, 1] : [1]
      if !suffixes[0].isEmpty {
        tensors.append(
          (
            .init(TensorName(entry.name + suffixes[0]), .f32, shape), [UInt8](floats: entry.sums)
          ))
      }
      if !suffixes[1].isEmpty {
        tensors.append(
          (
            .init(TensorName(entry.name + suffixes[1]), .f32, counts),
            [UInt8](floats: entry.counts)
          ))
      }
    }
    let header = try GGUFHeader(keyValues: keyValues, tensors: tensors.map(\.0), file: "imatrix")
    var bytes = header.bytes
    for (range, tensor) in zip(header.ranges, tensors) {
      bytes += [UInt8](repeating: 0, count: range.offset - bytes.count)
      bytes += tensor.1
    }
    return bytes + [UInt8](repeating: 0, count: header.fileByteCount - bytes.count)
  }

  /// As `.dat`: means times calls; experts that were never reached hold the number of calls.
  package func legacy(calls: Int = 3, hasTrailer: Bool = true) -> [UInt8] {
    var bytes = word(entries.count)
    for entry in entries {
      bytes += word(entry.name.utf8.count) + Array(entry.name.utf8) + word(calls)
      bytes += word(entry.sums.count)
      let width = entry.sums.count / entry.counts.count
      bytes += [UInt8](
        floats: entry.sums.enumerated().map { index, sum in
          let count = entry.counts[index / width]
          return count > 0 ? sum / count * Float(calls) : Float(calls)
        })
    }
    return hasTrailer ? bytes + word(60) + word(3) + Array("txt".utf8) : bytes
  }

  private func word(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: Int32(value).littleEndian, Array.init)
  }
}
