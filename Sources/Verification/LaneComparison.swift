import QuernCertificates

/// Compares source and output values of one chunk: the sums of a certificate, from their definition.
///
/// Values are widened to double. Element i of the chunk belongs to lane i mod 16, a lane adds its
/// elements in ascending order, and the lanes are added by halves.
struct LaneComparison {
  private static let laneCount = 16

  /// Signal, output and noise: sixteen lanes each, one behind the other.
  private var lanes = [Double](repeating: 0, count: 3 * laneCount)
  private var maxAbsError = 0.0
  private var unequalCount = 0
  private var lostSignCount = 0

  /// Adds values; `position` is the index in the chunk of the first of them.
  mutating func add(
    source values: UnsafeBufferPointer<Float>, output outputs: UnsafeBufferPointer<Float>,
    position: Int
  ) {
    precondition(values.count == outputs.count)
    // With the lane of the first value in front, whole groups of sixteen meet the lanes in order.
    let first = position % Self.laneCount
    rotate(by: first)
    for start in stride(from: 0, to: values.count, by: Self.laneCount) {
      let count = min(Self.laneCount, values.count - start)
      addGroup(values, outputs, start, count)
    }
    rotate(by: Self.laneCount - first)
  }

  @inline(__always)
  private mutating func addGroup(
    _ values: UnsafeBufferPointer<Float>, _ outputs: UnsafeBufferPointer<Float>, _ start: Int,
    _ count: Int
  ) {
    var largest = maxAbsError
    var (unequal, lost) = (0, 0)
    lanes.withUnsafeMutableBufferPointer { lanes in
      for lane in 0..<count {
        let (value, written) = (values[start &+ lane], outputs[start &+ lane])
        let (x, y) = (Double(value), Double(written))
        let error = x - y
        lanes[lane] += x * x
        lanes[lane &+ 16] += y * y
        lanes[lane &+ 32] += error * error
        if error.magnitude > largest { largest = error.magnitude }
        unequal &+= value != written ? 1 : 0
        lost &+= value.bitPattern == 0x8000_0000 && written.bitPattern == 0 ? 1 : 0
      }
    }
    maxAbsError = largest
    unequalCount += unequal
    lostSignCount += lost
  }

  private mutating func rotate(by count: Int) {
    guard count % Self.laneCount != 0 else { return }
    let old = lanes
    for index in old.indices {
      let (sum, lane) = index.quotientAndRemainder(dividingBy: Self.laneCount)
      lanes[index] = old[sum * Self.laneCount + (lane + count) % Self.laneCount]
    }
  }

  /// Adds entries of an index table: they are equal or not, and their squares count as signal.
  mutating func add(entry: Int, output written: Int32, position: Int) {
    let lane = position % Self.laneCount
    lanes[lane] += Double(entry) * Double(entry)
    lanes[lane + Self.laneCount] += Double(entry) * Double(entry)
    if entry != Int(written) { unequalCount += 1 }
  }

  var sums: ErrorSums {
    var sums = ErrorSums()
    sums.signal = Self.total(lanes[0..<16])
    sums.output = Self.total(lanes[16..<32])
    sums.noise = Self.total(lanes[32..<48])
    sums.maxAbsError = maxAbsError
    sums.unequalCount = unequalCount
    sums.lostSignCount = lostSignCount
    return sums
  }

  /// Lane i and lane i + 8, then i and i + 4, and so on.
  private static func total(_ lanes: ArraySlice<Double>) -> Double {
    var sums = Array(lanes)
    while sums.count > 1 {
      sums = zip(sums.prefix(sums.count / 2), sums.suffix(sums.count / 2)).map { $0 + $1 }
    }
    return sums[0]
  }
}
