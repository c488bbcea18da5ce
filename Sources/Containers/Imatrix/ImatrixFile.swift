import QuernTensors

/// Importance data that llama.cpp collects: for the input columns of each weight the sum of the
/// squared activations, and how many of them there were.
///
/// Both forms are read: GGUF (`NAME.in_sum2` with `NAME.counts`) and the older `.dat`. Values stay in
/// the file until they are asked for; all of them were checked when it was opened.
public struct ImatrixFile: Sendable {
  /// The data of one weight.
  public struct Entry: Equatable, Sendable {
    /// The weight's name in GGUF: `blk.0.attn_q.weight`.
    public let name: TensorName
    /// Input columns, of all experts together.
    public let valueCount: Int
    /// Rows of activations that were added up: one number for each expert, or one for all.
    public let counts: [Float]
    /// Where the sums begin in the file.
    let offset: Int
  }

  public let path: String
  public let byteCount: Int
  /// In the order of the file.
  public let entries: [Entry]
  package let file: InputFile
  private let positions: [TensorName: Int]

  /// Opens a file and checks every number in it.
  ///
  /// - Throws: `ImatrixError` for a file that is no imatrix, for sums and counts that are no finite
  ///   numbers from 0 on, for a weight without one of the two.
  public init(path: String) throws(ImatrixError) {
    let file: InputFile
    do throws(FileError) { file = try InputFile(path: path) } catch { throw .unreadable(error) }
    let entries = try Self.entries(of: file)
    var positions: [TensorName: Int] = [:]
    for (index, entry) in entries.enumerated() {
      if positions.updateValue(index, forKey: entry.name) != nil {
        throw .malformed(
          InputProblem(
            file: path, tensor: entry.name, field: "name", found: "two entries", expected: "one"))
      }
    }
    (self.path, byteCount) = (path, file.byteCount)
    (self.file, self.entries, self.positions) = (file, entries, positions)
    for entry in entries { try check(entry) }
  }

  public func entry(named name: TensorName) -> Entry? { positions[name].map { entries[$0] } }

  private static func entries(of file: InputFile) throws(ImatrixError) -> [Entry] {
    let magic: [UInt8]
    do throws(FileError) {
      magic = try file.bytes(in: ByteRange(offset: 0, byteCount: min(4, file.byteCount)))
    } catch { throw .unreadable(error) }
    return magic == GGUFFormat.magic
      ? try ImatrixGGUF.entries(of: file) : try ImatrixLegacy.entries(of: file)
  }

  private static let pieceCount = 1 << 18

  private func check(_ entry: Entry) throws(ImatrixError) {
    for start in stride(from: 0, to: entry.valueCount, by: Self.pieceCount) {
      let count = min(Self.pieceCount, entry.valueCount - start)
      let sums = try self.sums(entry, first: start, count: count)
      if let index = sums.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
        throw .malformed(
          InputProblem(
            file: path, tensor: entry.name, field: "value \(start + index)",
            found: "\(sums[index])", expected: "a finite sum of squares"))
      }
    }
  }

  private func sums(_ entry: Entry, first: Int, count: Int) throws(ImatrixError) -> [Float] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try file.bytes(
        in: ByteRange(offset: entry.offset + 4 * first, byteCount: 4 * count))
    } catch { throw .unreadable(error) }
    return bytes.withUnsafeBytes { bytes in
      (0..<count).map { Float(bitPattern: bytes.littleEndianUInt32(at: 4 * $0)) }
    }
  }
}

// MARK: - Weights

extension ImatrixFile {
  /// The weights of one expert's input columns: mean squared activations. All 1 for an expert that no
  /// token reached, and where every sum is 0.
  ///
  /// - Parameters:
  ///   - part: the expert.
  ///   - partCount: experts of the weight, 1 for all else; divides the entry's values.
  package func weights(_ entry: Entry, part: Int, of partCount: Int) throws(ImatrixError)
    -> [Float]
  {
    precondition(entry.valueCount % partCount == 0 && (0..<partCount).contains(part))
    let width = entry.valueCount / partCount
    let count = entry.counts.count == partCount ? entry.counts[part] : entry.counts[0]
    let means = try sums(entry, first: part * width, count: width).map { $0 / count }
    // A quotient may overflow where a count is below 1, which no file of llama.cpp has.
    let isUsable = count > 0 && means.contains { $0 > 0 } && means.allSatisfy(\.isFinite)
    return isUsable ? means : [Float](repeating: 1, count: width)
  }

  /// How many experts have no data of their own: no token reached them. In a `.dat` those are the ones
  /// whose means are all 1; it has no counts of single experts.
  ///
  /// - Parameter parts: the experts that are asked for; nil for all.
  package func unseenPartCount(_ entry: Entry, parts: Range<Int>? = nil, of partCount: Int)
    throws(ImatrixError) -> Int
  {
    var count = 0
    for part in parts ?? 0..<partCount {
      if try weights(entry, part: part, of: partCount).allSatisfy({ $0 == 1 }) { count += 1 }
    }
    return count
  }
}
