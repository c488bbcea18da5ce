import CKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a comparison of source and output values added up to, in float64.
///
/// The order of every addition is fixed: 16 lanes within a chunk (element i to lane i mod 16), lanes
/// by halves, chunks by halves. So the sums are the same bits for any thread count and CPU.
public struct ErrorSums: Equatable, Sendable {
  /// Sum of source².
  public var signal = 0.0
  /// Sum of output².
  public var output = 0.0
  /// Sum of (source − output)².
  public var noise = 0.0
  public var maxAbsError = 0.0
  /// Elements whose values differ; −0 equals +0.
  public var unequalCount = 0
  /// Elements that were −0 and came out +0.
  public var lostSignCount = 0

  public init() {}

  /// The sums of one chunk.
  package init(_ comparison: quern_comparison) {
    signal = Self.tree(comparison.signal)
    output = Self.tree(comparison.output)
    noise = Self.tree(comparison.noise)
    maxAbsError = comparison.max_abs_error
    unequalCount = Int(clamping: comparison.unequal)
    lostSignCount = Int(clamping: comparison.lost_signs)
  }

  /// The lanes of a C array: lane i and lane i + 8 first, then i and i + 4, and so on.
  private static func tree<Lanes>(_ lanes: Lanes) -> Double {
    withUnsafeBytes(of: lanes) { bytes in
      sum(ofLanes: (0..<16).map { bytes.load(fromByteOffset: 8 * $0, as: Double.self) })
    }
  }

  /// Sixteen lane sums added by halves.
  package static func sum(ofLanes lanes: [Double]) -> Double {
    var sums = lanes
    for width in [8, 4, 2, 1] { for lane in 0..<width { sums[lane] += sums[lane + width] } }
    return sums[0]
  }

  /// The sums of two neighbouring runs of elements.
  package static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.signal += right.signal
    sum.output += right.output
    sum.noise += right.noise
    sum.maxAbsError = max(left.maxAbsError, right.maxAbsError)
    sum.unequalCount += right.unequalCount
    sum.lostSignCount += right.lostSignCount
    return sum
  }

  /// The sums of all chunks of a tensor: neighbours are added, then neighbours of these.
  package static func sum(ofChunks chunks: [ErrorSums]) -> ErrorSums {
    var level = chunks
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map {
        $0 + 1 < level.count ? level[$0] + level[$0 + 1] : level[$0]
      }
    }
    return level.first ?? ErrorSums()
  }
}

extension ErrorSums {
  /// Signal to quantization noise, 10·log10(signal / noise), rounded to 0.01 for display; nil without
  /// noise or signal.
  public var sqnrDecibels: Double? {
    guard noise > 0, signal > 0 else { return nil }
    return (1000 * log10(signal / noise)).rounded() / 100
  }

  /// √(noise / signal); nil without a signal.
  public var relativeError: Double? { signal > 0 ? (noise / signal).squareRoot() : nil }

  /// Cosine of the angle between source and output, from 2·⟨x, y⟩ = |x|² + |y|² − |x − y|²; nil
  /// where one of them is zero.
  public var cosine: Double? {
    guard signal > 0, output > 0 else { return nil }
    if noise == 0 { return 1 }
    return (signal + output - noise) / (2 * signal.squareRoot() * output.squareRoot())
  }
}
