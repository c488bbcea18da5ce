#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The vertical axis of a chart.
struct ValueScale {
  enum Kind {
    /// Errors from 0 on; by powers of ten where they are far apart.
    case error
    /// Shares and cosines, of which 1 is the best.
    case share(smallestGap: Double)
    /// Errors by powers of ten.
    case logarithmic
  }

  /// Errors further apart than this are shown by powers of ten.
  private static let widestLinear = 30.0
  private static let largestTickCount = 6
  /// Smaller errors are at the low end.
  private static let mostDecades = 12
  /// Beyond these, powers of ten are not what they should be.
  private static let least = 1e-290
  private static let largest = 1e290

  let low: Double
  let high: Double
  let isLogarithmic: Bool
  /// The values that have a line and a label.
  let ticks: [Double]

  init(_ kind: Kind, covering values: [Double]) {
    let finite = values.filter(\.isFinite).map { $0 < Self.least ? 0 : min($0, Self.largest) }
    let largest = finite.max() ?? 0
    let smallest = finite.filter { $0 > 0 }.min() ?? largest
    switch kind {
    case .share(let smallestGap):
      let gap = Self.roundedUp(max(smallestGap, 1 - (finite.min() ?? 1)))
      (low, high, isLogarithmic) = (1 - gap, 1, false)
      ticks = [1, 1 - gap / 2, 1 - gap]
    case .error where largest <= Self.widestLinear * smallest:
      high = largest > 0 ? Self.roundedUp(largest) : 0.01
      (low, isLogarithmic) = (0, false)
      ticks = [0, high / 2, high]
    case .error, .logarithmic:
      let lowest = smallest > 0 ? Int(log10(smallest).rounded(.down)) : -6
      let last = max(lowest + 1, largest > 0 ? Int(log10(largest).rounded(.up)) : -5)
      let first = max(lowest, last - Self.mostDecades)
      (low, high, isLogarithmic) = (pow(10, Double(first)), pow(10, Double(last)), true)
      let step = (last - first) / Self.largestTickCount + 1
      ticks = stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
    }
  }

  /// 0 for the low end, 1 for the high one; values beyond are at the ends.
  func position(_ value: Double) -> Double {
    guard value > low else { return 0 }
    guard value < high else { return 1 }
    guard isLogarithmic else { return (value - low) / (high - low) }
    return log10(value / low) / log10(high / low)
  }

  /// The next of a few round numbers times a power of ten.
  private static func roundedUp(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    let factor = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].first { $0 * power >= value * 0.999_999 } ?? 10
    return factor * power
  }
}
