import QuernTensors

/// Reads the JSON header of a safetensors file entry by entry and checks the layout it describes.
struct SafetensorsHeaderParser {
  private(set) var metadata: [String: String] = [:]
  private(set) var tensors: [SafetensorsTensor] = []

  private let file: String
  private var scanner: JSONScanner
  /// The bytes behind the header, from the start of the file.
  private let payload: Range<Int>
  /// What is being read, for errors.
  private var tensor: String?
  private var field: String?
  /// Runs in the payload as the header gives them, beside `tensors`.
  private var runs: [Range<Int>] = []

  init(file: String, text: [UInt8], payload: Range<Int>) {
    self.file = file
    self.payload = payload
    scanner = JSONScanner(text)
  }

  mutating func parse() throws(SafetensorsError) {
    try reportingSyntax { (scanner) throws(JSONError) in try scanner.beginObject() }
    while let name = try nextKey() {
      if name == "__metadata__" {
        field = name
        try parseMetadata()
        field = nil
      } else {
        tensor = name
        try parseEntry(name)
        tensor = nil
      }
    }
    try reportingSyntax { (scanner) throws(JSONError) in try scanner.end() }
    try placeTensors()
  }

  // MARK: Entries

  private mutating func nextKey() throws(SafetensorsError) -> String? {
    do throws(JSONError) { return try scanner.nextKey() } catch { throw syntax(error) }
  }

  private mutating func parseMetadata() throws(SafetensorsError) {
    do throws(JSONError) {
      // The reference reader takes null for no metadata.
      if try scanner.peek() == .null { return try scanner.null() }
      try scanner.beginObject()
      while let key = try scanner.nextKey() { metadata[key] = try scanner.string() }
    } catch {
      throw syntax(error)
    }
  }

  private mutating func parseEntry(_ name: String) throws(SafetensorsError) {
    var type: String?
    var shape: Shape?
    var offsets: [Int]?
    do throws(JSONError) {
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        field = key
        switch key {
        case "dtype": type = try scanner.string()
        case "shape": shape = Shape(try scanner.integers())
        case "data_offsets": offsets = try scanner.integers()
        default: try scanner.skipValue()
        }
      }
      field = nil
    } catch {
      throw syntax(error)
    }
    guard let type else { throw missing("dtype") }
    guard let shape else { throw missing("shape") }
    guard let offsets else { throw missing("data_offsets") }
    try addTensor(name, type: type, shape: shape, offsets: offsets)
  }

  private mutating func addTensor(_ name: String, type: String, shape: Shape, offsets: [Int])
    throws(SafetensorsError)
  {
    guard let elementType = ElementType(rawValue: type) else {
      throw defect(
        "dtype", found: "\"\(type)\"",
        expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard offsets.count == 2, offsets[0] >= 0, offsets[1] >= offsets[0] else {
      throw defect("data_offsets", found: "\(offsets)", expected: "[begin, end], 0 ≤ begin ≤ end")
    }
    guard let elementCount = shape.checkedElementCount else {
      throw defect(
        "shape", found: "\(shape)", expected: "dimensions of 0 or more whose product fits 63 bits")
    }
    guard let byteCount = elementType.checkedByteCount(elementCount: elementCount) else {
      throw defect(
        "shape", found: "\(type) \(shape)", expected: "a whole number of bytes that fits")
    }
    guard offsets[1] - offsets[0] == byteCount else {
      throw defect(
        "data_offsets", found: "\(offsets): \(offsets[1] - offsets[0]) bytes",
        expected: "\(byteCount) bytes for \(type) \(shape)")
    }
    runs.append(offsets[0]..<offsets[1])
    // A run that starts behind the payload is refused when the tensors are placed.
    let start = payload.lowerBound + min(offsets[0], payload.count)
    tensors.append(
      SafetensorsTensor(
        name: TensorName(name), elementType: elementType, shape: shape,
        range: ByteRange(offset: start, byteCount: byteCount)))
  }

  // MARK: Layout

  /// Puts the tensors in the order of the payload and checks that they fill it without a gap.
  private mutating func placeTensors() throws(SafetensorsError) {
    sortByPlace()
    var cursor = 0
    for (index, run) in runs.enumerated() {
      guard run.lowerBound == cursor, run.upperBound <= payload.count else {
        tensor = tensors[index].name.text
        throw run.lowerBound == cursor ? truncated(run) : misplaced(index, at: cursor)
      }
      cursor = run.upperBound
    }
    guard cursor == payload.count else {
      throw defect(
        "payload", found: "\(payload.count) bytes",
        expected: "the \(cursor) bytes of the tensors",
        hint: "\(payload.count - cursor) bytes at the end belong to no tensor")
    }
  }

  /// Sorts by where tensors start; empty ones come before what starts with them.
  private mutating func sortByPlace() {
    func isBefore(_ left: Int, _ right: Int) -> Bool {
      if runs[left].lowerBound != runs[right].lowerBound {
        return runs[left].lowerBound < runs[right].lowerBound
      }
      if runs[left].upperBound != runs[right].upperBound {
        return runs[left].upperBound < runs[right].upperBound
      }
      return left < right
    }
    // Most writers list them in order.
    if runs.indices.dropFirst().allSatisfy({ isBefore($0 - 1, $0) }) { return }
    let order = runs.indices.sorted(by: isBefore)
    tensors = order.map { tensors[$0] }
    runs = order.map { runs[$0] }
  }

  private func misplaced(_ index: Int, at cursor: Int) -> SafetensorsError {
    let start = runs[index].lowerBound
    let neighbour =
      index == 0 ? "the start of the payload" : "the end of tensor \"\(tensors[index - 1].name)\""
    return defect(
      "data_offsets", found: "a start at \(start)", expected: "\(cursor), \(neighbour)",
      hint: start < cursor ? "the two overlap" : "\(start - cursor) bytes belong to no tensor")
  }

  private func truncated(_ run: Range<Int>) -> SafetensorsError {
    let end = runs.reduce(0) { max($0, $1.upperBound) }
    return defect(
      "data_offsets", found: "an end at \(run.upperBound) in a payload of \(payload.count) bytes",
      expected: "a payload of \(end) bytes",
      hint: "\(end - payload.count) bytes are missing; the file was cut short")
  }

  // MARK: Errors

  private mutating func reportingSyntax(
    _ body: (inout JSONScanner) throws(JSONError) -> Void
  ) throws(SafetensorsError) {
    do throws(JSONError) { try body(&scanner) } catch { throw syntax(error) }
  }

  private func defect(_ field: String?, found: String, expected: String, hint: String? = nil)
    -> SafetensorsError
  {
    .malformed(
      InputProblem(
        file: file, tensor: tensor, field: field, found: found, expected: expected, hint: hint))
  }

  private func missing(_ field: String) -> SafetensorsError {
    defect(field, found: "no such field", expected: "dtype, shape and data_offsets")
  }

  private func syntax(_ error: JSONError) -> SafetensorsError {
    .malformed(
      InputProblem(
        file: file, tensor: tensor, field: field ?? "header", byteOffset: 8 + error.byteOffset,
        found: error.problem, expected: "a strict JSON header"))
  }
}

extension JSONScanner {
  /// An array of integers.
  fileprivate mutating func integers() throws(JSONError) -> [Int] {
    var values: [Int] = []
    try beginArray()
    while try nextElement() { values.append(try integer()) }
    return values
  }
}
