import QuernTensors

/// The header of a safetensors file to write: its bytes and where each tensor goes. Pure data.
///
/// Tensors keep their order in the payload. The header is padded with spaces to a multiple of
/// 8 bytes, so that the payload is aligned for 64-bit elements.
package struct SafetensorsHeader: Sendable {
  package struct Tensor: Sendable {
    package let name: TensorName
    package let elementType: ElementType
    package let shape: Shape

    package init(_ name: TensorName, _ elementType: ElementType, _ shape: Shape) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
    }
  }

  /// The length word, the header and its padding: what the file starts with.
  package let bytes: [UInt8]
  /// Each tensor's bytes, from the start of the file.
  package let ranges: [ByteRange]
  package let fileByteCount: Int

  /// - Parameters:
  ///   - minimumByteCount: room that was left for it, length word and all: shorter ones are padded.
  ///   - file: the output's name, for errors.
  /// - Throws: `SafetensorsError` for sizes that do not fit, names that stand twice, or a header
  ///   that no reader would take.
  package init(
    tensors: [Tensor], metadata: [(key: String, value: String)] = [], minimumByteCount: Int = 0,
    file: String
  ) throws(SafetensorsError) {
    let counts = try Self.byteCounts(of: tensors, file: file)
    var text = Self.text(tensors, counts: counts, metadata: metadata)
    let padding = minimumByteCount - Self.lengthByteCount - text.count
    if padding > 0 { text += [UInt8](repeating: 0x20, count: padding) }
    guard text.count <= SafetensorsFile.maximumHeaderByteCount else {
      throw .malformed(
        InputProblem(
          file: file, field: "header", found: "\(text.count) bytes",
          expected: "at most \(SafetensorsFile.maximumHeaderByteCount)"))
    }
    bytes = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
    var ranges: [ByteRange] = []
    ranges.reserveCapacity(tensors.count)
    var end = bytes.count
    for count in counts {
      ranges.append(ByteRange(offset: end, byteCount: count))
      end += count
    }
    self.ranges = ranges
    fileByteCount = end
  }

  /// Bytes of the word in front that tells the header's length.
  private static let lengthByteCount = 8

  private static func byteCounts(of tensors: [Tensor], file: String) throws(SafetensorsError)
    -> [Int]
  {
    var counts: [Int] = []
    counts.reserveCapacity(tensors.count)
    var names: Set<TensorName> = []
    // Leaves room for the header in front of the payload.
    var room = Int.max - 2 * SafetensorsFile.maximumHeaderByteCount
    for tensor in tensors {
      guard names.insert(tensor.name).inserted, tensor.name != "__metadata__" else {
        throw .malformed(
          InputProblem(
            file: file, tensor: tensor.name.text, field: "name", found: "a name that is taken",
            expected: "each name once, and not __metadata__"))
      }
      guard let elements = tensor.shape.checkedElementCount,
        let count = tensor.elementType.checkedByteCount(elementCount: elements), count <= room
      else {
        throw .malformed(
          InputProblem(
            file: file, tensor: tensor.name.text, field: "shape", found: "\(tensor.shape)",
            expected: "a whole number of bytes that fits"))
      }
      room -= count
      counts.append(count)
    }
    return counts
  }

  private static func text(
    _ tensors: [Tensor], counts: [Int], metadata: [(key: String, value: String)]
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject(.inline)
    if !metadata.isEmpty {
      writer.key("__metadata__")
      writer.beginObject(.inline)
      for entry in metadata {
        writer.key(entry.key)
        writer.string(entry.value)
      }
      writer.end()
    }
    var offset = 0
    for (tensor, count) in zip(tensors, counts) {
      writer.key(tensor.name.text)
      writer.entry(tensor, begin: offset, end: offset + count)
      offset += count
    }
    writer.end()
    var text = writer.drain()
    // The writer ends a document with a line feed; padding here is spaces only.
    if text.last == 0x0a { text.removeLast() }
    while text.count % 8 != 0 { text.append(0x20) }
    return text
  }
}

extension JSONWriter {
  fileprivate mutating func entry(_ tensor: SafetensorsHeader.Tensor, begin: Int, end: Int) {
    beginObject(.inline)
    key("dtype")
    string(tensor.elementType.rawValue)
    key("shape")
    integers(tensor.shape.dimensions)
    key("data_offsets")
    integers([begin, end])
    self.end()
  }

  private mutating func integers(_ values: [Int]) {
    beginArray(.inline)
    for value in values { integer(value) }
    end()
  }
}
