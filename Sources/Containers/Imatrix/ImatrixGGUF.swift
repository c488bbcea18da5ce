import QuernTensors

/// An imatrix as GGUF: for each weight `NAME.in_sum2` and `NAME.counts`, both F32.
enum ImatrixGGUF {
  private static let sumsSuffix = ".in_sum2"
  private static let countsSuffix = ".counts"
  private static let requiredKeys = [
    "imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size",
  ]

  static func entries(of file: InputFile) throws(ImatrixError) -> [ImatrixFile.Entry] {
    let gguf: GGUFFile
    do throws(GGUFError) { gguf = try GGUFFile(file) } catch {
      switch error {
      case .unreadable(let error): throw .unreadable(error)
      case .malformed(let problem): throw .malformed(problem)
      }
    }
    try checkKeys(gguf)
    var entries: [ImatrixFile.Entry] = []
    for tensor in gguf.tensors {
      guard tensor.type == .f32 else {
        throw problem(gguf, tensor.name, "type", tensor.type.name, "F32")
      }
      if tensor.name.text.hasSuffix(sumsSuffix) {
        entries.append(try entry(tensor, gguf, file))
      } else {
        try checkPartner(of: tensor, gguf)
      }
    }
    return entries
  }

  private static func checkKeys(_ gguf: GGUFFile) throws(ImatrixError) {
    guard gguf["general.type"] == .text("imatrix") else {
      throw .malformed(
        InputProblem(
          file: gguf.path, field: "general.type",
          found: gguf["general.type"].map { "\($0)" } ?? "nothing", expected: "imatrix"))
    }
    for key in requiredKeys where gguf[key] == nil {
      throw .malformed(
        InputProblem(file: gguf.path, field: key, found: "nothing", expected: "a value"))
    }
  }

  private static func entry(_ sums: GGUFTensor, _ gguf: GGUFFile, _ file: InputFile)
    throws(ImatrixError) -> ImatrixFile.Entry
  {
    let name = TensorName(String(sums.name.text.dropLast(sumsSuffix.count)))
    guard let counts = gguf.tensor(named: TensorName(name.text + countsSuffix)) else {
      throw problem(gguf, name, "in_sum2", "no counts beside it", "both")
    }
    let (valueCount, partCount) = (sums.shape.elementCount, counts.shape.elementCount)
    guard valueCount > 0, partCount > 0, valueCount % partCount == 0 else {
      throw problem(
        gguf, name, "counts", "\(partCount) counts for \(valueCount) sums",
        "a count for each expert, or one")
    }
    return ImatrixFile.Entry(
      name: name, valueCount: valueCount, counts: try numbers(counts, gguf, file),
      offset: sums.range.offset)
  }

  private static func numbers(_ counts: GGUFTensor, _ gguf: GGUFFile, _ file: InputFile)
    throws(ImatrixError) -> [Float]
  {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try file.bytes(in: counts.range) } catch {
      throw .unreadable(error)
    }
    let numbers = bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4).map {
        Float(bitPattern: bytes.littleEndianUInt32(at: $0))
      }
    }
    if let wrong = numbers.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw problem(gguf, counts.name, "count", "\(wrong)", "a finite number from 0 on")
    }
    return numbers
  }

  private static func checkPartner(of tensor: GGUFTensor, _ gguf: GGUFFile) throws(ImatrixError) {
    let name = tensor.name.text
    guard name.hasSuffix(countsSuffix) else {
      throw problem(gguf, tensor.name, "name", name, "NAME.in_sum2 or NAME.counts")
    }
    let sums = TensorName(String(name.dropLast(countsSuffix.count)) + sumsSuffix)
    guard gguf.tensor(named: sums) != nil else {
      throw problem(gguf, tensor.name, "counts", "no in_sum2 beside it", "both")
    }
  }

  private static func problem(
    _ gguf: GGUFFile, _ tensor: TensorName, _ field: String, _ found: String, _ expected: String
  ) -> ImatrixError {
    .malformed(
      InputProblem(
        file: gguf.path, tensor: tensor, field: field, found: found, expected: expected))
  }
}
