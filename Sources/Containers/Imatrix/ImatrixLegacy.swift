import QuernTensors

/// An imatrix as `.dat`, little-endian: the number of entries; of each the length of its name, the
/// name, the number of calls, the number of values and the values, each a mean times the calls; then
/// the last chunk and the name of the text, which the oldest files lack.
enum ImatrixLegacy {
  /// More than any model has weights.
  private static let entryCounts = 1...1_000_000
  private static let nameByteCounts = 1...1024

  static func entries(of file: InputFile) throws(ImatrixError) -> [ImatrixFile.Entry] {
    var reader = Reader(file: file)
    let count = try reader.integer("number of entries", in: entryCounts)
    var entries: [ImatrixFile.Entry] = []
    for index in 0..<count { entries.append(try entry(&reader, index)) }
    if reader.offset < file.byteCount {
      _ = try reader.integer("last chunk", in: 0...Int(Int32.max))
      let length = try reader.integer("length of the text's name", in: 0...(1 << 20))
      _ = try reader.bytes(length, "name of the text")
    }
    guard reader.offset == file.byteCount else {
      throw reader.problem(
        "end", found: "\(file.byteCount - reader.offset) further bytes", expected: "the file's end")
    }
    return entries
  }

  private static func entry(_ reader: inout Reader, _ index: Int) throws(ImatrixError)
    -> ImatrixFile.Entry
  {
    let place = "entry \(index)"
    let length = try reader.integer("\(place), length of its name", in: nameByteCounts)
    let name = try reader.bytes(length, "\(place), name")
    guard let text = String(validating: name, as: UTF8.self) else {
      throw reader.problem("\(place), name", found: "no UTF-8", expected: "a name")
    }
    let calls = try reader.integer("\(place), calls", in: 0...Int(Int32.max))
    let valueCount = try reader.integer("\(place), values", in: 1...Int(Int32.max))
    let entry = ImatrixFile.Entry(
      name: TensorName(text), valueCount: valueCount, counts: [Float(calls)],
      offset: reader.offset)
    try reader.skip(4 * valueCount, "\(place), values")
    return entry
  }

  private struct Reader {
    let file: InputFile
    var offset = 0

    func problem(_ field: String, found: String, expected: String) -> ImatrixError {
      .malformed(
        InputProblem(
          file: file.path, field: field, byteOffset: offset, found: found, expected: expected,
          hint: offset == 0 || field == "number of entries" ? "is it an imatrix?" : nil))
    }

    mutating func skip(_ count: Int, _ field: String) throws(ImatrixError) {
      guard count <= file.byteCount - offset else {
        throw problem(
          field, found: "\(file.byteCount - offset) bytes", expected: "\(count) bytes")
      }
      offset += count
    }

    mutating func bytes(_ count: Int, _ field: String) throws(ImatrixError) -> [UInt8] {
      let start = offset
      try skip(count, field)
      do throws(FileError) {
        return try file.bytes(in: ByteRange(offset: start, byteCount: count))
      } catch { throw .unreadable(error) }
    }

    mutating func integer(_ field: String, in range: ClosedRange<Int>) throws(ImatrixError)
      -> Int
    {
      let value = try bytes(4, field).withUnsafeBytes {
        Int(Int32(bitPattern: $0.littleEndianUInt32(at: 0)))
      }
      guard range.contains(value) else {
        throw problem(
          field, found: "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
  }
}
