import QuernTensors

/// Finds out of a safetensors header which matrices belong to which weight, and checks them.
struct CalibrationParser {
  let modelName: String
  let tokenCount: Int
  private let file: InputFile
  private let header: SafetensorsFile
  private let tensors: [TensorName: SafetensorsTensor]

  private static let countLimit = 1 << 20

  init(_ file: InputFile, _ header: SafetensorsFile) throws(CalibrationError) {
    (self.file, self.header) = (file, header)
    tensors = Dictionary(uniqueKeysWithValues: header.tensors.map { ($0.name, $0) })
    let format = header.metadata["format"]
    guard format == CalibrationFile.formatName else {
      throw Self.defect(
        file, field: "format", found: format.map { "\"\($0)\"" } ?? "none",
        expected: "\"\(CalibrationFile.formatName)\"")
    }
    let version = header.metadata["version"]
    guard version == "\(CalibrationFile.formatVersion)" else {
      throw Self.defect(
        file, field: "version", found: version.map { "\"\($0)\"" } ?? "none",
        expected: "\"\(CalibrationFile.formatVersion)\"")
    }
    modelName = header.metadata["model"] ?? ""
    let tokens = header.metadata["tokens"] ?? ""
    guard let tokenCount = Int(tokens), tokenCount >= 0 else {
      throw Self.defect(
        file, field: "tokens", found: "\"\(tokens)\"", expected: "a number of tokens")
    }
    self.tokenCount = tokenCount
  }

  /// The entries of all weights, those that share another's inputs too.
  func entries() throws(CalibrationError) -> [TensorName: CalibrationFile.Entry] {
    var entries: [TensorName: CalibrationFile.Entry] = [:]
    var used = 0
    for tensor in header.tensors where tensor.name.text.hasSuffix(CalibrationNames.countSuffix) {
      let name = String(tensor.name.text.dropLast(CalibrationNames.countSuffix.count))
      let entry = try entry(name, counts: try counts(tensor))
      entries[TensorName(name)] = entry
      used += entry.tensorNames.count
    }
    guard used == header.tensors.count else { throw stray(entries) }
    for (key, owner) in header.metadata.sorted(by: { $0.key < $1.key })
    where key.hasPrefix(CalibrationNames.sharedPrefix) {
      let name = TensorName(String(key.dropFirst(CalibrationNames.sharedPrefix.count)))
      guard entries[name] == nil, tensors[TensorName(owner + CalibrationNames.countSuffix)] != nil
      else {
        throw Self.defect(
          file, field: key, found: "\"\(owner)\"",
          expected: "a weight with matrices, for one that has none of its own")
      }
      entries[name] = entries[TensorName(owner)]
    }
    return entries
  }

  private func counts(_ tensor: SafetensorsTensor) throws(CalibrationError) -> [Int] {
    let count = tensor.shape.elementCount
    guard tensor.elementType == .i64, tensor.shape.rank == 1, (1...Self.countLimit) ~= count else {
      throw defect(
        tensor, found: "\(tensor.elementType.rawValue) \(tensor.shape)",
        expected: "I64 [experts], [1] without experts")
    }
    let bytes: [UInt8]
    do throws(FileError) { bytes = try file.bytes(in: tensor.range) } catch {
      throw .unreadable(error)
    }
    let counts = bytes.withUnsafeBytes { bytes in
      (0..<count).map {
        Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
      }
    }
    guard let index = counts.firstIndex(where: { $0 < 0 }) else { return counts.map(Int.init) }
    throw defect(tensor, found: "\(counts[index]) rows", expected: "0 or more")
  }

  /// Blocks are numbered from 0 on; there is at least one.
  private func entry(_ name: String, counts: [Int]) throws(CalibrationError)
    -> CalibrationFile.Entry
  {
    var (widths, offsets): ([Int], [Int]) = ([], [])
    while let tensor = tensors[TensorName(CalibrationNames.hessian(name, block: widths.count))] {
      let dimensions = tensor.shape.dimensions
      let width = dimensions.last ?? 0
      let shape = (counts.count > 1 ? [counts.count] : []) + [width, width]
      guard tensor.elementType == .f32, dimensions == shape,
        (1...CalibrationFile.maximumWidth) ~= width
      else {
        throw defect(
          tensor, found: "\(tensor.elementType.rawValue) \(tensor.shape)",
          expected: "F32 " + (counts.count > 1 ? "[\(counts.count), n, n]" : "[n, n]")
            + ", n at most \(CalibrationFile.maximumWidth)")
      }
      widths.append(width)
      offsets.append(tensor.range.offset)
    }
    let range = try range(name)
    let columns = widths.isEmpty ? nil : widths.reduce(0, +)
    let maxima = try channels(
      CalibrationNames.maxima(name), partCount: counts.count, columnCount: columns)
    let means = try channels(
      CalibrationNames.means(name), partCount: counts.count,
      columnCount: columns ?? maxima.map { $0.byteCount / 4 / counts.count })
    guard !widths.isEmpty || range != nil || maxima != nil || means != nil else {
      throw .malformed(
        InputProblem(
          file: file.path, tensor: CalibrationNames.hessian(name, block: 0),
          found: "no such tensor",
          expected: "a matrix, a range, maxima or means for \(name).count"))
    }
    return CalibrationFile.Entry(
      owner: TensorName(name), counts: counts, widths: widths, offsets: offsets, range: range,
      maxima: maxima, means: means)
  }

  /// A number for each input, of each expert where counts are of experts.
  private func channels(_ name: String, partCount: Int, columnCount: Int?)
    throws(CalibrationError) -> ByteRange?
  {
    guard let tensor = tensors[TensorName(name)] else { return nil }
    let dimensions = tensor.shape.dimensions
    let width = dimensions.last ?? 0
    guard tensor.elementType == .f32, width > 0, columnCount == nil || width == columnCount,
      dimensions == (partCount > 1 ? [partCount, width] : [width])
    else {
      let inputs = columnCount.map { "\($0)" } ?? "inputs"
      throw defect(
        tensor, found: "\(tensor.elementType.rawValue) \(tensor.shape)",
        expected: "F32 " + (partCount > 1 ? "[\(partCount), \(inputs)]" : "[\(inputs)]"))
    }
    return tensor.range
  }

  /// The smallest input and the largest, where they are recorded.
  private func range(_ name: String) throws(CalibrationError) -> ClosedRange<Float>? {
    guard let tensor = tensors[TensorName(CalibrationNames.range(name))] else { return nil }
    guard tensor.elementType == .f32, tensor.shape == [2] else {
      throw defect(
        tensor, found: "\(tensor.elementType.rawValue) \(tensor.shape)", expected: "F32 [2]")
    }
    let bytes: [UInt8]
    do throws(FileError) { bytes = try file.bytes(in: tensor.range) } catch {
      throw .unreadable(error)
    }
    let (low, high) = bytes.withUnsafeBytes {
      (
        Float(bitPattern: $0.littleEndianUInt32(at: 0)),
        Float(bitPattern: $0.littleEndianUInt32(at: 4))
      )
    }
    guard low.isFinite, high.isFinite, low <= high else {
      throw defect(tensor, found: "\(low) to \(high)", expected: "finite, the smallest first")
    }
    return low...high
  }

  /// The first tensor that belongs to no weight.
  private func stray(_ entries: [TensorName: CalibrationFile.Entry]) -> CalibrationError {
    let known = Set(
      entries.values.flatMap(\.tensorNames).map { TensorName($0) })
    let name = header.tensors.first { !known.contains($0.name) }?.name ?? ""
    return .malformed(
      InputProblem(
        file: file.path, tensor: name, found: "a tensor of no use",
        expected:
          "NAME.count, NAME.range, NAME.maxima, NAME.means and NAME.hessian.0, .1 and so on"))
  }

  private func defect(_ tensor: SafetensorsTensor, found: String, expected: String)
    -> CalibrationError
  {
    .malformed(
      InputProblem(file: file.path, tensor: tensor.name, found: found, expected: expected))
  }

  private static func defect(_ file: InputFile, field: String, found: String, expected: String)
    -> CalibrationError
  {
    .malformed(InputProblem(file: file.path, field: field, found: found, expected: expected))
  }
}

extension CalibrationFile.Entry {
  /// The tensors that it is made of.
  fileprivate var tensorNames: [String] {
    let name = owner.text
    return [CalibrationNames.count(name)]
      + widths.indices.map { CalibrationNames.hessian(name, block: $0) }
      + (range == nil ? [] : [CalibrationNames.range(name)])
      + (maxima == nil ? [] : [CalibrationNames.maxima(name)])
      + (means == nil ? [] : [CalibrationNames.means(name)])
  }
}
