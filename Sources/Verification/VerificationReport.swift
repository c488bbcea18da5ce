import QuernCertificates
import QuernContainers

/// What a verification found.
public struct VerificationReport: Sendable {
  /// What the files were checked against.
  public enum Mode: String, Sendable {
    /// The certificate: every byte and every figure that follows from the output alone.
    case certificate
    /// The certificate and the checkpoint: every figure.
    case certificateAndSource = "certificate-and-source"
    /// The checkpoint alone: errors are measured and compared with what each type explains.
    case source
    /// Nothing: structure, and whether all values are finite.
    case structure
  }

  /// One thing that is not as it should be.
  public struct Failure: Equatable, Sendable, CustomStringConvertible {
    public let file: String
    public let tensor: String?
    /// The field, figure or bytes that differ.
    public let what: String
    public let found: String
    public let expected: String

    public var description: String {
      let place = tensor.map { ": tensor \($0.escapedForDisplay)" } ?? ""
      return "\(file.escapedForDisplay)\(place): \(what.escapedForDisplay): "
        + "found \(found.escapedForDisplay), expected \(expected.escapedForDisplay)"
    }
  }

  /// What became of one tensor.
  public struct Row: Equatable, Sendable {
    public enum Status: String, Sendable {
      case passed
      case failed
      /// Its values were not compared: no decoder for its type, no source, or an earlier failure.
      case notMeasured = "not-measured"
    }

    public let name: String
    public let file: String
    /// The type in the file, as ggml spells it.
    public let type: String
    /// Outermost dimension first.
    public let shape: [Int]
    /// How strong a claim the comparison supports; nil where values were not compared.
    public let classification: CertificateRow.Class?
    /// The figures as they were computed anew.
    public let sums: ErrorSums
    public let counts: CertificateRow.Counts
    public var status: Status
  }

  /// How near the products of a kernel are to those of the source's weights, for the weights of one
  /// type: relative errors √(noise / signal).
  public struct Products: Equatable, Sendable {
    /// The type in the file.
    public let type: String
    public let weightCount: Int
    public let medianError: Double
    public let worstError: Double
    public let worstName: String
    /// What the type explains for the worst.
    public let worstLimit: Double
    /// Weights whose products were summed over 2, 4 or 16 ranks as well, and the largest relative
    /// error of such a sum: 0 where sums are of integers.
    public let splitWeightCount: Int
    public let worstSplitError: Double
    /// Weights that were read from FRACTAL_NZ as well.
    public let relaidWeightCount: Int
  }

  public internal(set) var mode: Mode
  public internal(set) var files: [String] = []
  public internal(set) var failures: [Failure] = []
  public internal(set) var warnings: [String] = []
  /// Differences from what Quern would have written, in files that others made.
  public internal(set) var notes: [String] = []
  public internal(set) var rows: [Row] = []
  /// Products of emulated kernels, by type; empty where there was nothing to multiply with.
  public internal(set) var products: [Products] = []

  public var isPassed: Bool { failures.isEmpty }

  /// The measured tensors with the largest relative errors, the worst first.
  public func worstRows(_ count: Int) -> [Row] {
    let measured = rows.filter { $0.sums.relativeError ?? 0 > 0 }
    return Array(
      measured.sorted {
        let (left, right) = ($0.sums.relativeError ?? 0, $1.sums.relativeError ?? 0)
        return left == right ? $0.name < $1.name : left > right
      }.prefix(count))
  }

  mutating func fail(
    _ file: String, tensor: String? = nil, _ what: String, found: String, expected: String
  ) {
    failures.append(
      Failure(file: file, tensor: tensor, what: what, found: found, expected: expected))
  }
}
