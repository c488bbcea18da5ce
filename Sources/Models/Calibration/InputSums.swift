/// Sums over the inputs of one weight: of each part and column Σ x², of each statistic and column
/// Σ |x|, the smallest x and the largest. Rows are added in their order, in float64.
final class InputSums: @unchecked Sendable {
  // Unchecked because of the pointers: threads that add have columns of their own.
  let weight: CalibratedWeight
  /// Rows seen by each part.
  private(set) var counts: [Int]
  /// [parts, inputs].
  let squares: UnsafeMutableBufferPointer<Double>
  /// [statistics, inputs], as the two below.
  private let magnitudes: UnsafeMutableBufferPointer<Double>
  private let lows: UnsafeMutableBufferPointer<Float>
  private let highs: UnsafeMutableBufferPointer<Float>

  /// Inputs that are worth a thread.
  private static let inputsPerTask = 1 << 18

  init(_ weight: CalibratedWeight) {
    self.weight = weight
    counts = Array(repeating: 0, count: weight.partCount)
    squares = .allocate(capacity: weight.partCount * weight.inputCount)
    squares.initialize(repeating: 0)
    let count = weight.statisticsCount * weight.inputCount
    magnitudes = .allocate(capacity: count)
    magnitudes.initialize(repeating: 0)
    lows = .allocate(capacity: count)
    lows.initialize(repeating: .infinity)
    highs = .allocate(capacity: count)
    highs.initialize(repeating: -.infinity)
  }

  deinit {
    squares.deallocate()
    magnitudes.deallocate()
    lows.deallocate()
    highs.deallocate()
  }

  /// Adds rows that a part is multiplied with.
  func add(_ x: Activations, part: Int, _ workers: Workers) throws(ModelError) {
    counts[part] += x.rowCount
    let wanted = max(1, x.values.count / Self.inputsPerTask)
    let width = (x.width + wanted - 1) / wanted
    guard width > 0 else { return }
    try workers.run((x.width + width - 1) / width) { [self] _, task in
      add(x, part: part, columns: task * width..<min((task + 1) * width, x.width))
    }
  }

  private func add(_ x: Activations, part: Int, columns: Range<Int>) {
    guard let values = x.values.baseAddress, let squares = squares.baseAddress,
      let magnitudes = magnitudes.baseAddress, let lows = lows.baseAddress,
      let highs = highs.baseAddress
    else { return }
    let statistic = weight.poolsParts ? 0 : part
    let (first, other) = (part * x.width, statistic * x.width)
    for row in 0..<x.rowCount {
      for column in columns {
        let value = values[row * x.width + column]
        let wide = Double(value)
        squares[first + column] += wide * wide
        magnitudes[other + column] += wide.magnitude
        lows[other + column] = min(lows[other + column], value)
        highs[other + column] = max(highs[other + column], value)
      }
    }
  }

  // MARK: Results

  /// Rows that went into a statistic.
  var statisticsCounts: [Int] { weight.poolsParts ? [counts.reduce(0, +)] : counts }

  /// The smallest x and the largest; both 0 where no row was seen.
  var range: (low: Float, high: Float) {
    let low = lows.min() ?? 0
    let high = highs.max() ?? 0
    return low <= high ? (low, high) : (0, 0)
  }

  /// The largest |x| of each statistic's inputs; 0 where no row was seen.
  var maxima: [Float] {
    zip(lows, highs).map { $0 <= $1 ? max($0.magnitude, $1.magnitude) : 0 }
  }

  /// The mean |x| of each statistic's inputs; 0 where no row was seen.
  var means: [Float] {
    let counts = statisticsCounts
    return magnitudes.enumerated().map { index, sum in
      let count = counts[index / weight.inputCount]
      return count > 0 ? Float(sum / Double(count)) : 0
    }
  }

  /// Whether the same rows were seen.
  func isEqual(to other: InputSums) -> Bool {
    counts == other.counts && squares.elementsEqual(other.squares)
      && magnitudes.elementsEqual(other.magnitudes)
  }
}
