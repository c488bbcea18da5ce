import Quern

extension InspectionReport {
  /// Shown of a metadata value; a chat template has thousands of characters.
  private static let shownCharacters = 100

  func printText(listsAll: Bool) throws {
    try StandardOutput.write(head())
    if !metadata.isEmpty {
      try StandardOutput.line()
      try StandardOutput.write(metadataTable())
    }
    if !tensors.isEmpty {
      try StandardOutput.line()
      try StandardOutput.write(tensorTable(listsAll: listsAll))
      try StandardOutput.line()
      try StandardOutput.write(encodingTable())
    }
    if files.count > 1 {
      try StandardOutput.line()
      try StandardOutput.write(fileTable())
    }
    try printList(title: "notes:", notes)
    try printList(title: "problems:", problems)
  }

  private func head() -> String {
    var table = TextTable([.left, .left])
    table.add([kind, path])
    if let architecture { table.add(["architecture", architecture]) }
    for (key, value) in facts { table.add([Self.clipped(key), Self.clipped(value)]) }
    table.add(["parameters", "\(parameterCount.countText) (\(parameterCount.grouped))"])
    table.add(["tensors", tensors.count.grouped])
    let size = files.reduce(0) { $0 + $1.byteCount }
    table.add([
      "size",
      "\(size.bytesText) (\(size.grouped) bytes) in \(String.counted(files.count, "file"))",
    ])
    return table.text(indent: 0)
  }

  private func metadataTable() -> String {
    var table = TextTable([.left, .left], header: ["key", "value"])
    for entry in metadata { table.add([Self.clipped(entry.key), Self.shown(entry.value)]) }
    return table.text()
  }

  private struct Attributes: Hashable {
    let encoding: String
    let shape: Shape
    let byteCount: Int
  }

  private func tensorTable(listsAll: Bool) -> String {
    var table = TextTable(
      [.left, .right, .left, .left, .right], header: ["tensor", "", "encoding", "shape", "bytes"])
    if listsAll {
      for tensor in tensors {
        table.add([
          Self.clipped(tensor.name), "", tensor.encoding, "\(tensor.shape)",
          tensor.byteCount.grouped,
        ])
      }
      return table.text()
    }
    let groups = NameGroup.groups(tensors, name: \.name) {
      Attributes(encoding: $0.encoding, shape: $0.shape, byteCount: $0.byteCount)
    }
    for group in groups {
      table.add([
        Self.clipped(group.name), group.count == 1 ? "" : "\(group.count) ×",
        group.attributes.encoding, "\(group.attributes.shape)",
        (group.count * group.attributes.byteCount).grouped,
      ])
    }
    return table.text()
  }

  private func encodingTable() -> String {
    var table = TextTable(
      [.left, .right, .right, .right], header: ["encoding", "tensors", "weights", "bytes"])
    for (name, tensorCount, elementCount, byteCount) in encodings {
      table.add([name, tensorCount.grouped, elementCount.grouped, byteCount.grouped])
    }
    return table.text()
  }

  private func fileTable() -> String {
    var table = TextTable([.left, .right], header: ["file", "bytes"])
    for file in files { table.add([file.name, file.byteCount.grouped]) }
    return table.text()
  }

  private func printList(title: String, _ lines: [String]) throws {
    guard !lines.isEmpty else { return }
    try StandardOutput.line()
    try StandardOutput.line(title)
    for line in lines { try StandardOutput.line("  " + line.escapedForDisplay) }
  }

  /// Arrays by their first elements, texts by their beginning.
  private static func shown(_ value: GGUFValue) -> String {
    switch value {
    case .string(let text): "\"" + clipped(text.text) + "\""
    case .array(let array): array.preview
    default: "\(value)"
    }
  }

  private static func clipped(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(shownCharacters)
    return String(start) + (start.endIndex == text.unicodeScalars.endIndex ? "" : "…")
  }
}

extension GGUFArray {
  private static let previewCount = 6

  /// `[1, 2, 3, … 32000 in all]`
  var preview: String {
    let values = elements(upTo: Self.previewCount).map { value in
      if case .string(let text) = value {
        return "\"" + String(text.text.unicodeScalars.prefix(24)) + "\""
      }
      return "\(value)"
    }
    let rest = count > values.count ? ", … \(count) in all" : ""
    return "[" + values.joined(separator: ", ") + rest + "]"
  }

  /// The first elements as values.
  func elements(upTo limit: Int) -> [GGUFValue] {
    switch self {
    case .uint8(let values): values.prefix(limit).map { .uint8($0) }
    case .int8(let values): values.prefix(limit).map { .int8($0) }
    case .uint16(let values): values.prefix(limit).map { .uint16($0) }
    case .int16(let values): values.prefix(limit).map { .int16($0) }
    case .uint32(let values): values.prefix(limit).map { .uint32($0) }
    case .int32(let values): values.prefix(limit).map { .int32($0) }
    case .uint64(let values): values.prefix(limit).map { .uint64($0) }
    case .int64(let values): values.prefix(limit).map { .int64($0) }
    case .float32(let values): values.prefix(limit).map { .float32($0) }
    case .float64(let values): values.prefix(limit).map { .float64($0) }
    case .bool(let values): values.prefix(limit).map { .bool($0) }
    case .strings(let values):
      (0..<Swift.min(limit, values.count)).map { .string(values[$0]) }
    }
  }
}
