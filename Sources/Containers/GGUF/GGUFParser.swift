import QuernTensors

/// Reads the parts of a GGUF file in order and checks each against the file and the format.
struct GGUFParser {
  private(set) var version: UInt32 = 0
  private(set) var keyValues: [GGUFKeyValue] = []
  private(set) var keyPositions: [TensorName: Int] = [:]
  private(set) var tensors: [GGUFTensor] = []
  private(set) var tensorPositions: [TensorName: Int] = [:]
  private(set) var alignment = GGUFFormat.defaultAlignment
  private(set) var dataOffset = 0
  /// The end of the last tensor's padding.
  private(set) var dataEnd = 0

  /// A tensor's entry before the place of the data is known.
  private struct Entry {
    let name: TensorName
    let type: GGMLType
    let dimensions: [Int]
    let offset: UInt64
    let byteCount: Int
    /// Where in the file its offset is written.
    let position: Int
  }

  private var reader: GGUFByteReader

  init(_ file: InputFile) { reader = GGUFByteReader(file) }

  mutating func parse() throws(GGUFError) {
    try parseStart()
    reader.field = "tensor count"
    let tensorCount = try reader.count(
      of: "tensors", unitByteCount: GGUFFormat.minimumTensorByteCount)
    reader.field = "key count"
    let keyCount = try reader.count(
      of: "keys", unitByteCount: GGUFFormat.minimumKeyValueByteCount)
    for _ in 0..<keyCount { try parseKeyValue() }
    var entries: [Entry] = []
    for _ in 0..<tensorCount { entries.append(try parseTensor()) }
    try place(entries)
  }

  // MARK: Parts

  private mutating func parseStart() throws(GGUFError) {
    reader.field = "magic"
    let word: UInt32 = try reader.integer()
    let magic = withUnsafeBytes(of: word.littleEndian, Array.init)
    guard magic == GGUFFormat.magic else {
      throw reader.defect(
        at: 0, found: "bytes " + magic.map { String($0, radix: 16) }.joined(separator: " "),
        expected: "\"GGUF\"", hint: FileSignature.hint(for: try startOfFile()))
    }
    reader.field = "version"
    version = try reader.integer()
    guard version & 0xffff != 0 || version == 0 else {
      throw reader.defect(
        at: 4, found: "version \(version.byteSwapped) in big-endian byte order",
        expected: "a little-endian file", hint: "big-endian GGUF is not read")
    }
    guard GGUFFormat.readableVersions.contains(version) else {
      throw reader.defect(at: 4, found: "version \(version)", expected: "version 2 or 3")
    }
  }

  private mutating func parseKeyValue() throws(GGUFError) {
    reader.field = "key \(keyValues.count)"
    let start = reader.position
    let key = try reader.name("a key in UTF-8")
    guard !key.isEmpty else {
      throw reader.defect(at: start, found: "an empty key", expected: "a key of a byte or more")
    }
    reader.field = key
    guard keyPositions.updateValue(keyValues.count, forKey: TensorName(key)) == nil else {
      throw reader.defect(at: start, found: "the key a second time", expected: "each key once")
    }
    let value = try reader.value()
    if key == GGUFFormat.alignmentKey {
      guard let alignment = GGUFFormat.alignment(from: value) else {
        throw reader.defect(
          at: start, found: "\(value)", expected: "a power of two as a 32-bit unsigned integer")
      }
      self.alignment = alignment
    }
    keyValues.append(GGUFKeyValue(key, value))
  }

  private mutating func parseTensor() throws(GGUFError) -> Entry {
    reader.tensor = nil
    reader.field = "name of tensor \(tensorPositions.count)"
    let name = try parseTensorName()
    reader.tensor = name.text
    let dimensions = try parseDimensions()
    let type = try parseType()
    let byteCount = try checkedByteCount(type, dimensions)
    reader.field = "offset"
    let position = reader.position
    return Entry(
      name: name, type: type, dimensions: dimensions, offset: try reader.integer(),
      byteCount: byteCount, position: position)
  }

  private mutating func parseTensorName() throws(GGUFError) -> TensorName {
    let start = reader.position
    let name = TensorName(try reader.name("a name in UTF-8"))
    guard name.text.utf8.count <= GGUFFormat.maximumNameByteCount else {
      throw reader.defect(
        at: start, found: "\"\(name.text)\" of \(name.text.utf8.count) bytes",
        expected: "at most \(GGUFFormat.maximumNameByteCount) bytes")
    }
    guard tensorPositions.updateValue(tensorPositions.count, forKey: name) == nil else {
      throw reader.defect(
        at: start, found: "the name \"\(name.text)\" a second time", expected: "each name once")
    }
    return name
  }

  private mutating func parseDimensions() throws(GGUFError) -> [Int] {
    reader.field = "dimensions"
    let start = reader.position
    let rank: UInt32 = try reader.integer()
    guard rank <= UInt32(GGUFFormat.maximumRank) else {
      throw reader.defect(
        at: start, found: "\(rank) dimensions", expected: "at most \(GGUFFormat.maximumRank)")
    }
    var dimensions: [Int] = []
    for _ in 0..<rank { dimensions.append(Int(try reader.integer(Int64.self))) }
    guard dimensions.allSatisfy({ $0 >= 0 }), Shape(dimensions).checkedElementCount != nil else {
      throw reader.defect(
        at: start, found: "\(dimensions)",
        expected: "dimensions of 0 or more whose product fits 63 bits")
    }
    return dimensions
  }

  private mutating func parseType() throws(GGUFError) -> GGMLType {
    reader.field = "type"
    let start = reader.position
    let number: UInt32 = try reader.integer()
    guard let type = GGMLType.withID(number) else {
      throw reader.defect(
        at: start, found: "type \(Int32(bitPattern: number))",
        expected: "the number of a ggml type in use")
    }
    return type
  }

  private func checkedByteCount(_ type: GGMLType, _ dimensions: [Int]) throws(GGUFError) -> Int {
    guard let byteCount = type.checkedByteCount(of: Shape(dimensions.reversed())) else {
      throw reader.defect(
        at: reader.position, found: "\(type) \(dimensions)",
        expected: "rows of whole blocks of \(type.blockElementCount) and a size that fits 63 bits")
    }
    return byteCount
  }

  // MARK: Layout

  /// Checks that the tensors lie one after the other, each padded, and that the file holds them.
  private mutating func place(_ entries: [Entry]) throws(GGUFError) {
    reader.tensor = nil
    reader.field = "data"
    guard !entries.isEmpty else {
      dataOffset = reader.position
      dataEnd = reader.position
      return
    }
    guard let start = GGUFFormat.padded(reader.position, to: alignment),
      start <= reader.file.byteCount
    else { throw truncated(at: reader.position, needs: nil) }
    dataOffset = start
    dataEnd = start
    for entry in entries {
      reader.tensor = entry.name.text
      reader.field = "offset"
      guard entry.offset == UInt64(dataEnd - dataOffset) else {
        throw reader.defect(
          at: entry.position, found: "\(entry.offset)",
          expected: "\(dataEnd - dataOffset), the padded end of the tensor before")
      }
      let (end, overflow) = dataEnd.addingReportingOverflow(entry.byteCount)
      guard !overflow, let paddedEnd = GGUFFormat.padded(end, to: alignment),
        paddedEnd <= reader.file.byteCount
      else { throw truncated(at: dataEnd, needs: entry.byteCount) }
      tensors.append(
        GGUFTensor(
          name: entry.name, type: entry.type, dimensions: entry.dimensions,
          range: ByteRange(offset: dataEnd, byteCount: entry.byteCount)))
      dataEnd = paddedEnd
    }
  }

  private func truncated(at offset: Int, needs byteCount: Int?) -> GGUFError {
    let needed = byteCount.map { "\($0) bytes of the tensor, padded to \(alignment)" }
    return reader.defect(
      at: offset, found: "\(reader.file.byteCount - offset) bytes to the end of the file",
      expected: needed ?? "padding to \(alignment)", hint: "the file was cut short")
  }

  private func startOfFile() throws(GGUFError) -> [UInt8] {
    let count = min(FileSignature.byteCount, reader.file.byteCount)
    do throws(FileError) {
      return try reader.file.bytes(in: ByteRange(offset: 0, byteCount: count))
    } catch {
      throw .unreadable(error)
    }
  }
}
