/// Which rows of a tensor stand for all of them: one of each of `count` runs of equal length, at a
/// place in its run that changes from run to run. The choice knows the shape only.
struct RowSample: Equatable, Sendable {
  let rowCount: Int
  let rows: [Int]

  /// Weights to sample, and rows at least: few rows of a wide tensor would say little.
  static let elementCount = 1 << 17
  static let minimumCount = 16

  init(rowCount: Int, rowLength: Int) {
    self.rowCount = rowCount
    let wanted = max(Self.minimumCount, Self.elementCount / max(1, rowLength))
    guard wanted < rowCount else {
      rows = Array(0..<rowCount)
      return
    }
    // Multiples of the golden ratio spread evenly in the unit interval (here of 2^64), and meet no
    // period that a model's rows have: heads, experts.
    rows = (0..<wanted).map { index in
      let first = Self.start(index, of: wanted, rowCount)
      let length = Self.start(index + 1, of: wanted, rowCount) - first
      let fraction = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
      return first + Int(fraction.multipliedFullWidth(by: UInt64(truncatingIfNeeded: length)).high)
    }
  }

  /// First row of a run; the product does not overflow for any tensor that has bytes for its rows.
  private static func start(_ run: Int, of count: Int, _ rowCount: Int) -> Int {
    let (whole, rest) = rowCount.quotientAndRemainder(dividingBy: count)
    return run * whole + run * rest / count
  }

  /// What a sum over the sample stands for in the tensor.
  var scale: Double { rows.isEmpty ? 0 : Double(rowCount) / Double(rows.count) }
}
