import QuernTensors

/// A new safetensors file whose tensors are found while it is written.
///
/// The header stands in front of the tensors: as many bytes are left for it as it can have, and what
/// it does not need becomes spaces at its end.
package final class SafetensorsStream {
  package let file: OutputFile
  private let headerByteCount: Int
  private var tensors: [SafetensorsHeader.Tensor] = []
  private var end: Int

  /// Bytes that one further tensor adds to a header at most, its name left out.
  private static let entryByteCount = 160

  /// Bytes to leave for the header of tensors and metadata of these names and texts.
  package static func headerByteCount(
    tensorNames: some Sequence<String>, metadata: some Sequence<(key: String, value: String)>
  ) -> Int {
    // A byte of a name may be escaped as six.
    let names = tensorNames.reduce(0) { $0 + 6 * $1.utf8.count + entryByteCount }
    let texts = metadata.reduce(0) {
      $0 + 6 * ($1.key.utf8.count + $1.value.utf8.count) + entryByteCount
    }
    return (names + texts + 2 * entryByteCount + 7) / 8 * 8
  }

  /// - Parameter headerByteCount: a multiple of 8.
  package init(_ file: OutputFile, headerByteCount: Int) {
    self.file = file
    self.headerByteCount = headerByteCount
    end = headerByteCount
  }

  /// Adds a tensor behind those before.
  ///
  /// - Returns: where its bytes go; what is not written of them is zeros.
  package func append(_ name: String, _ type: ElementType, _ shape: Shape) throws(SafetensorsError)
    -> ByteRange
  {
    guard let elements = shape.checkedElementCount,
      let count = type.checkedByteCount(elementCount: elements), count <= Int.max / 2 - end
    else {
      throw .malformed(
        InputProblem(
          file: file.path, tensor: name, field: "shape", found: "\(shape)",
          expected: "a whole number of bytes that fits"))
    }
    tensors.append(SafetensorsHeader.Tensor(TensorName(name), type, shape))
    defer { end += count }
    return ByteRange(offset: end, byteCount: count)
  }

  /// Writes the header and gives the file its size.
  package func finish(metadata: [(key: String, value: String)]) throws(SafetensorsError) {
    let header = try SafetensorsHeader(
      tensors: tensors, metadata: metadata, minimumByteCount: headerByteCount, file: file.path)
    precondition(header.bytes.count == headerByteCount, "more tensors than room was left for")
    do throws(FileError) {
      try file.setByteCount(end)
      try file.write(header.bytes, at: 0)
    } catch { throw .unreadable(error) }
  }
}
