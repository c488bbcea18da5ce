import QuernContainers
import QuernTensors

/// Lays planned tensors out in safetensors files.
struct SafetensorsLayout {
  let tensors: [PlannedTensor]
  /// Which of their parts.
  var home = StoredPart.Home.weights
  /// What the header says of a tensor's part, by its name.
  var metadata: (PlannedTensor, StoredPart) -> String? = { _, _ in nil }
  /// What the header says of all of them.
  var notes: [(key: String, value: String)] = []
  /// File name of a number and a count of files.
  let name: (_ number: Int, _ count: Int) -> String
  /// Bytes of tensors in a file; one tensor with more gets a file of its own.
  let maximumByteCount: Int

  /// More than any model has parts of that size; a size that small is a mistake.
  private static let maximumFileCount = 99_999

  /// The files, each with its header. All parts of a tensor are in one file.
  func files() throws(ConversionError) -> [PlannedFile] {
    let runs = self.runs()
    guard runs.count <= Self.maximumFileCount else {
      throw .data(
        InputProblem(
          file: name(1, runs.count), field: "largest size of a file", found: "\(runs.count) files",
          expected: "at most \(Self.maximumFileCount): choose a larger size"))
    }
    var files: [PlannedFile] = []
    for (index, run) in runs.enumerated() {
      files.append(try file(name(index + 1, runs.count), run))
    }
    return files
  }

  private func runs() -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var (first, byteCount) = (0, 0)
    for index in tensors.indices {
      let added = parts(index).reduce(0) { $0 + $1.byteCount }
      if byteCount > 0, byteCount + added > maximumByteCount {
        runs.append(first..<index)
        (first, byteCount) = (index, 0)
      }
      byteCount += added
    }
    runs.append(first..<tensors.count)
    return runs
  }

  private func parts(_ tensor: Int) -> [StoredPart] {
    tensors[tensor].parts.filter { $0.home == home }
  }

  /// Parts with large elements come first, so that every element is aligned without gaps, which the
  /// format does not allow.
  private func file(_ name: String, _ run: Range<Int>) throws(ConversionError) -> PlannedFile {
    var entries: [(tensor: Int, part: Int, entry: SafetensorsHeader.Tensor)] = []
    var notes = [(key: "format", value: "pt")] + self.notes
    for tensor in run {
      for (part, stored) in parts(tensor).enumerated() {
        guard let type = stored.elementType else { continue }
        if let note = metadata(tensors[tensor], stored) { notes.append((stored.name, note)) }
        entries.append(
          (
            tensor, part, SafetensorsHeader.Tensor(TensorName(stored.name), type, stored.shape)
          ))
      }
    }
    entries.sort { $0.entry.elementType.bitWidth > $1.entry.elementType.bitWidth }
    do throws(SafetensorsError) {
      let header = try SafetensorsHeader(
        tensors: entries.map(\.entry), metadata: notes, file: name)
      var offsets = run.map { [Int](repeating: 0, count: parts($0).count) }
      for (entry, range) in zip(entries, header.ranges) {
        offsets[entry.tensor - run.lowerBound][entry.part] = range.offset
      }
      return PlannedFile(
        name: name, header: header.bytes, keyValues: [], tensors: run, home: home, offsets: offsets,
        byteCount: header.fileByteCount)
    } catch {
      throw .data(
        InputProblem(file: name, found: "\(error)", expected: "a header that safetensors can hold"))
    }
  }
}
