import QuernContainers
import QuernTensors

/// Collects sums of squares in a file, as they come, and makes an imatrix of them, where weights stand
/// in the order of their names.
struct ImatrixWriter {
  private struct Place {
    let weight: CalibratedWeight
    /// Where the sums begin among those collected.
    let offset: Int
    let counts: [Float]
  }

  private let collected: OutputFile
  private var places: [String: Place] = [:]
  /// Weights that share the sums of another one.
  private var sharing: [CalibratedWeight] = []
  private var end = 0

  private static let pieceByteCount = 1 << 22

  /// - Parameter collected: an empty file of no further use.
  init(_ collected: OutputFile) { self.collected = collected }

  mutating func add(_ sums: InputSums) throws(ModelError) {
    let weight = sums.weight
    if let owner = weight.owner, places[owner] != nil {
      sharing.append(weight)
      return
    }
    let values = sums.squares.map { Float($0) }
    try values.checkFinite(weight.name, file: collected.path)
    do throws(FileError) {
      try collected.write([UInt8](littleEndian: values), at: end)
    } catch { throw .file(error) }
    let counts = weight.isExperts ? sums.counts : [sums.counts.max() ?? 0]
    places[weight.name] = Place(weight: weight, offset: end, counts: counts.map { Float($0) })
    end += 4 * values.count
  }

  /// Writes the imatrix.
  ///
  /// - Parameters:
  ///   - dataset: the name of the text.
  ///   - chunkSize: tokens of a chunk.
  func finish(_ output: OutputFile, dataset: String, chunkCount: Int, chunkSize: Int)
    throws(ModelError)
  {
    let all = places.values.map(\.weight) + sharing
    let header: ImatrixHeader
    do throws(GGUFError) {
      header = try ImatrixHeader(
        all.map(\.entry), datasets: [dataset], chunkCount: UInt32(clamping: chunkCount),
        chunkSize: UInt32(clamping: chunkSize), file: output.path)
    } catch {
      switch error {
      case .unreadable(let error): throw .file(error)
      case .malformed(let problem): throw .data(problem)
      }
    }
    let owners = Dictionary(uniqueKeysWithValues: sharing.map { ($0.name, $0.owner ?? $0.name) })
    do throws(FileError) {
      try output.setByteCount(header.fileByteCount)
      try output.write(header.bytes, at: 0)
      let source = try InputFile(path: collected.path)
      for (index, entry) in header.entries.enumerated() {
        guard let place = places[owners[entry.name] ?? entry.name] else { continue }
        try copy(source, from: place.offset, header.sums[index], to: output)
        try output.write([UInt8](littleEndian: place.counts), at: header.counts[index].offset)
      }
    } catch { throw .file(error) }
  }

  private func copy(
    _ source: InputFile, from offset: Int, _ range: ByteRange, to output: OutputFile
  )
    throws(FileError)
  {
    for first in stride(from: 0, to: range.byteCount, by: Self.pieceByteCount) {
      let count = min(Self.pieceByteCount, range.byteCount - first)
      try output.write(
        try source.bytes(in: ByteRange(offset: offset + first, byteCount: count)),
        at: range.offset + first)
    }
  }
}

extension CalibratedWeight {
  fileprivate var entry: ImatrixHeader.Entry {
    ImatrixHeader.Entry(
      name: name, inputCount: inputCount, partCount: partCount, hasExperts: isExperts)
  }
}
