import Quern

extension InspectionReport {
  /// Elements of an array that JSON repeats; a vocabulary is not a summary.
  private static let arrayElements = 16

  /// Prints the report as one JSON document, row by row.
  func printJSON() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writeHead(&writer)
    writer.key("tensors")
    writer.beginArray()
    for tensor in tensors {
      writer.beginObject(.inline)
      writer.member("name", tensor.name)
      writer.member("encoding", tensor.encoding)
      writer.key("shape")
      writer.value(.array(tensor.shape.dimensions.map { .integer($0) }))
      writer.member("bytes", tensor.byteCount)
      writer.member("file", tensor.file)
      writer.end()
      try StandardOutput.drain(&writer)
    }
    writer.end()
    write("notes", notes, to: &writer)
    write("problems", problems, to: &writer)
    writer.end()
    try StandardOutput.drain(&writer, isLast: true)
  }

  private func writeHead(_ writer: inout JSONWriter) {
    writer.member("kind", kind)
    writer.member("path", path)
    if let architecture { writer.member("architecture", architecture) }
    writer.key("facts")
    writer.beginObject()
    for (key, value) in facts { writer.member(key, value) }
    writer.end()
    writer.member("parameters", parameterCount)
    writer.member("tensorBytes", tensorByteCount)
    writer.key("files")
    writer.beginArray()
    for file in files {
      writer.beginObject(.inline)
      writer.member("name", file.name)
      writer.member("bytes", file.byteCount)
      writer.end()
    }
    writer.end()
    writer.key("encodings")
    writer.beginArray()
    for (name, tensorCount, elementCount, byteCount) in encodings {
      writer.beginObject(.inline)
      writer.member("name", name)
      writer.member("tensors", tensorCount)
      writer.member("weights", elementCount)
      writer.member("bytes", byteCount)
      writer.end()
    }
    writer.end()
    writeMetadata(&writer)
  }

  private func writeMetadata(_ writer: inout JSONWriter) {
    guard kind == "gguf" else { return }
    writer.key("metadata")
    writer.beginArray()
    for entry in metadata {
      writer.beginObject(.inline)
      writer.member("key", entry.key)
      if case .array(let array) = entry.value {
        writer.member("count", array.count)
        writer.key("value")
        writer.value(.array(array.elements(upTo: Self.arrayElements).map(\.json)))
      } else {
        writer.key("value")
        writer.value(entry.value.json)
      }
      writer.end()
    }
    writer.end()
  }

  private func write(_ key: String, _ texts: [String], to writer: inout JSONWriter) {
    writer.key(key)
    writer.beginArray()
    for text in texts { writer.string(text) }
    writer.end()
  }
}

extension GGUFValue {
  /// The value as JSON; a number that JSON's integers cannot hold becomes a text.
  var json: JSONValue {
    switch self {
    case .uint8(let value): .integer(Int(value))
    case .int8(let value): .integer(Int(value))
    case .uint16(let value): .integer(Int(value))
    case .int16(let value): .integer(Int(value))
    case .uint32(let value): .integer(Int(value))
    case .int32(let value): .integer(Int(value))
    case .uint64(let value): Int(exactly: value).map { .integer($0) } ?? .string("\(value)")
    case .int64(let value): .integer(Int(value))
    case .float32(let value): .real(Double(value))
    case .float64(let value): .real(value)
    case .bool(let value): .bool(value)
    case .string(let value): .string(value.text)
    case .array(let values): .array(values.elements(upTo: values.count).map(\.json))
    }
  }
}
