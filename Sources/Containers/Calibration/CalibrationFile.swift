import CKernels
import QuernTensors

/// Calibration statistics: for the inputs x of each weight the sum of x xᵀ over all rows seen, in
/// blocks along the diagonal, and how large they are.
///
/// Matrices stay in the file until they are asked for, one block at a time.
/// Format: `formats/calibration/README.md`.
public struct CalibrationFile: Sendable {
  /// The statistics of one weight.
  public struct Entry: Equatable, Sendable {
    /// The weight whose matrices they are; several weights may share their inputs.
    public let owner: TensorName
    /// Rows seen by each expert; one number for weights without experts, and for experts that have
    /// their statistics together.
    public let counts: [Int]
    /// Columns of each block, in the order of the columns.
    public let widths: [Int]
    /// Where each block begins in the file: the matrices of all experts, one after the other.
    let offsets: [Int]
    /// The smallest and the largest input, where they are recorded.
    public let range: ClosedRange<Float>?
    /// Where the largest magnitudes of the inputs are, and their mean magnitudes.
    let maxima: ByteRange?
    let means: ByteRange?

    public var columnCount: Int { widths.reduce(0, +) }
  }

  public static let formatName = "quern-calibration"
  public static let formatVersion = 1
  /// Columns of the widest block.
  public static let maximumWidth = Int(QUERN_GPTQ_COLUMNS)

  public let path: String
  public let byteCount: Int
  /// What the statistics were collected from, as the file says.
  public let modelName: String
  /// Tokens that went through the model.
  public let tokenCount: Int
  /// By the name of the weight in GGUF: `blk.0.attn_q.weight`.
  public let entries: [TensorName: Entry]
  package let file: InputFile

  /// Opens a file and checks its header and its counts. The matrices are checked by `checkMatrices`.
  ///
  /// - Throws: `CalibrationError` naming the tensor and field that breaks a rule.
  public init(path: String) throws(CalibrationError) {
    let file: InputFile
    do throws(FileError) { file = try InputFile(path: path) } catch { throw .unreadable(error) }
    let header: SafetensorsFile
    do throws(SafetensorsError) {
      header = try SafetensorsFile(file)
    } catch { throw CalibrationError(error) }
    (self.path, self.file, byteCount) = (path, file, file.byteCount)
    let parser = try CalibrationParser(file, header)
    (modelName, tokenCount) = (parser.modelName, parser.tokenCount)
    entries = try parser.entries()
  }

  /// Reads the matrix of one block and one expert.
  ///
  /// - Parameter matrix: room for width × width values.
  package func read(
    _ entry: Entry, block: Int, expert: Int, into matrix: UnsafeMutableBufferPointer<Float>
  ) throws(CalibrationError) {
    let width = entry.widths[block]
    precondition(matrix.count == width * width && entry.counts.indices.contains(expert))
    do throws(FileError) {
      try file.read(
        into: UnsafeMutableRawBufferPointer(matrix),
        at: entry.offsets[block] + 4 * width * width * expert)
    } catch { throw .unreadable(error) }
    // As everywhere: the file is little-endian, whatever the machine is.
    for index in matrix.indices {
      matrix[index] = Float(bitPattern: UInt32(littleEndian: matrix[index].bitPattern))
    }
  }

  /// A statistic that is one number for each input.
  package enum Channels: Sendable {
    /// The largest |x|.
    case maxima
    /// The mean of |x|.
    case means
  }

  /// Reads a statistic of each input: of one expert where experts have counts. Nil where it is not in
  /// the file.
  ///
  /// - Throws: `CalibrationError` naming the first number that is no finite magnitude.
  package func read(_ channels: Channels, of entry: Entry, expert: Int = 0)
    throws(CalibrationError) -> [Float]?
  {
    precondition(entry.counts.indices.contains(expert))
    guard let range = channels == .maxima ? entry.maxima : entry.means else { return nil }
    let byteCount = range.byteCount / entry.counts.count
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try file.bytes(
        in: ByteRange(offset: range.offset + expert * byteCount, byteCount: byteCount))
    } catch { throw .unreadable(error) }
    let values = bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: byteCount, by: 4).map {
        Float(bitPattern: bytes.littleEndianUInt32(at: $0))
      }
    }
    guard let wrong = values.firstIndex(where: { !($0.isFinite && $0 >= 0) }) else { return values }
    let name = entry.owner.text
    throw .malformed(
      InputProblem(
        file: path,
        tensor: channels == .maxima ? CalibrationNames.maxima(name) : CalibrationNames.means(name),
        field: (entry.counts.count > 1 ? "expert \(expert), " : "") + "input \(wrong)",
        found: "\(values[wrong])", expected: "a finite magnitude"))
  }

  /// Reads every matrix, one at a time, and checks that a sum of x xᵀ could look like it.
  ///
  /// - Throws: `CalibrationError` naming the matrix, the row and the column of the first entry that
  ///   is no finite number, is not what stands on the other side of the diagonal, or is larger than
  ///   the diagonal allows.
  package func checkMatrices() throws(CalibrationError) {
    let matrix = UnsafeMutableBufferPointer<Float>.allocate(
      capacity: Self.maximumWidth * Self.maximumWidth)
    defer { matrix.deallocate() }
    for (name, entry) in entries.sorted(by: { $0.key < $1.key }) where name == entry.owner {
      for block in entry.widths.indices {
        for expert in entry.counts.indices where entry.counts[expert] > 0 {
          let width = entry.widths[block]
          let part = UnsafeMutableBufferPointer(rebasing: matrix[..<(width * width)])
          try read(entry, block: block, expert: expert, into: part)
          let check = quern_check_hessian(part.baseAddress, width)
          if let problem = problem(check, part, width: width) {
            throw .malformed(
              InputProblem(
                file: path, tensor: "\(name.text).hessian.\(block)",
                field: (entry.counts.count > 1 ? "expert \(expert), " : "")
                  + "row \(check.row), column \(check.column)",
                found: "\(problem.found)", expected: problem.expected))
          }
        }
      }
    }
  }

  private func problem(
    _ check: quern_hessian_check, _ matrix: UnsafeMutableBufferPointer<Float>, width: Int
  ) -> (found: Float, expected: String)? {
    let found = matrix[check.row * width + check.column]
    switch check.defect {
    case QUERN_HESSIAN_FINE: return nil
    case QUERN_HESSIAN_NOT_FINITE: return (found, "a finite number")
    case QUERN_HESSIAN_NEGATIVE: return (found, "a sum of squares")
    case QUERN_HESSIAN_ASYMMETRIC:
      return (found, "\(matrix[check.column * width + check.row]), as on the other side")
    default: return (found, "no more than the diagonal allows")
    }
  }
}
