import QuernTensors

/// The header of a GGUF file to write: its bytes and where each tensor goes. Pure data.
///
/// Everything follows from the metadata and the tensors' types and shapes, so the file's size is
/// known before its first byte is made. Alignment is 32 unless `general.alignment` says otherwise.
package struct GGUFHeader: Equatable, Sendable {
  package struct Tensor: Equatable, Sendable {
    package let name: TensorName
    package let type: GGMLType
    /// Outermost dimension first.
    package let shape: Shape

    package init(_ name: TensorName, _ type: GGMLType, _ shape: Shape) {
      self.name = name
      self.type = type
      self.shape = shape
    }
  }

  /// What the places of tensors are multiples of, where no key says otherwise.
  package static let defaultAlignment = GGUFFormat.defaultAlignment

  /// Everything up to the first tensor's bytes, with its padding.
  package let bytes: [UInt8]
  package let alignment: Int
  /// Each tensor's bytes, from the start of the file, without padding. What lies between two, and
  /// behind the last, is zeros.
  package let ranges: [ByteRange]
  /// Size of the whole file, with the padding of the last tensor.
  package let fileByteCount: Int

  /// Where the tensors' bytes start.
  package var dataOffset: Int { bytes.count }

  /// - Parameter file: the output's name, for errors.
  /// - Throws: `GGUFError` for what no reader would take: a key or name that stands twice, an empty
  ///   key, a name of more than 63 bytes, a rank above 4, rows that are no whole blocks, an
  ///   alignment that is no power of two, sizes that do not fit.
  package init(keyValues: [GGUFKeyValue], tensors: [Tensor], file: String) throws(GGUFError) {
    alignment = try Self.checkedAlignment(keyValues, file: file)
    try Self.checkNames(keyValues, tensors, file: file)
    let places = try Self.places(of: tensors, alignment: alignment, file: file)
    var writer = GGUFByteWriter()
    writer.append(GGUFFormat.magic)
    writer.append(GGUFFormat.writtenVersion)
    writer.append(UInt64(tensors.count))
    writer.append(UInt64(keyValues.count))
    for keyValue in keyValues { writer.append(keyValue) }
    for (tensor, place) in zip(tensors, places.runs) { writer.append(tensor, at: place.offset) }
    if !tensors.isEmpty { writer.pad(to: alignment) }
    let start = writer.bytes.count
    bytes = writer.bytes
    ranges = places.runs.map { ByteRange(offset: start + $0.offset, byteCount: $0.byteCount) }
    fileByteCount = start + places.end
  }

  // MARK: Checks

  private static func checkedAlignment(_ keyValues: [GGUFKeyValue], file: String) throws(GGUFError)
    -> Int
  {
    guard let entry = keyValues.first(where: { $0.key == GGUFFormat.alignmentKey }) else {
      return GGUFFormat.defaultAlignment
    }
    guard let alignment = GGUFFormat.alignment(from: entry.value) else {
      throw defect(
        file, field: entry.key, found: "\(entry.value)",
        expected: "a power of two as a 32-bit unsigned integer")
    }
    return alignment
  }

  private static func checkNames(
    _ keyValues: [GGUFKeyValue], _ tensors: [Tensor], file: String
  ) throws(GGUFError) {
    var names: Set<TensorName> = []
    for entry in keyValues where entry.key.isEmpty || !names.insert(TensorName(entry.key)).inserted
    {
      throw defect(
        file, field: entry.key, found: entry.key.isEmpty ? "an empty key" : "the key a second time",
        expected: "each key once, of a byte or more")
    }
    names.removeAll()
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else {
        throw defect(
          file, tensor: tensor.name.text, field: "name", found: "the name a second time",
          expected: "each name once")
      }
      guard tensor.name.text.utf8.count <= GGUFFormat.maximumNameByteCount else {
        throw defect(
          file, tensor: tensor.name.text, field: "name",
          found: "\(tensor.name.text.utf8.count) bytes",
          expected: "at most \(GGUFFormat.maximumNameByteCount) bytes")
      }
    }
  }

  /// Runs from the start of the data, and the padded end of the last.
  private static func places(of tensors: [Tensor], alignment: Int, file: String) throws(GGUFError)
    -> (runs: [ByteRange], end: Int)
  {
    // Headers stay far below this, so that adding one to a place cannot overflow.
    let limit = Int.max / 2
    var runs: [ByteRange] = []
    runs.reserveCapacity(tensors.count)
    var end = 0
    for tensor in tensors {
      guard tensor.shape.rank <= GGUFFormat.maximumRank else {
        throw defect(
          file, tensor: tensor.name.text, field: "dimensions", found: "\(tensor.shape)",
          expected: "at most \(GGUFFormat.maximumRank) dimensions")
      }
      guard let byteCount = tensor.type.checkedByteCount(of: tensor.shape),
        byteCount <= limit - end,
        let paddedEnd = GGUFFormat.padded(end + byteCount, to: alignment), paddedEnd <= limit
      else {
        throw defect(
          file, tensor: tensor.name.text, field: "dimensions",
          found: "\(tensor.type) \(tensor.shape)",
          expected: "rows of whole blocks of \(tensor.type.blockElementCount) and a size that fits")
      }
      runs.append(ByteRange(offset: end, byteCount: byteCount))
      end = paddedEnd
    }
    return (runs, end)
  }

  private static func defect(
    _ file: String, tensor: String? = nil, field: String, found: String, expected: String
  ) -> GGUFError {
    .malformed(
      InputProblem(file: file, tensor: tensor, field: field, found: found, expected: expected))
  }
}
