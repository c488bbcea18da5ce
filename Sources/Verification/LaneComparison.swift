import QuernCertificates

/// Compares source and output values of one chunk: the sums of a certificate, from their definition.
///
/// Values are widened to double. Element i of the chunk belongs to lane i mod 16, a lane adds its
/// elements in ascending order, and the lanes are added by halves.
struct LaneComparison {
  private static let laneCount = 16

  private var signal = [Double](repeating: 0, count: laneCount)
  private var output = [Double](repeating: 0, count: laneCount)
  private var noise = [Double](repeating: 0, count: laneCount)
  private var maxAbsError = 0.0
  private var unequalCount = 0
  private var lostSignCount = 0

  /// Adds values; `position` is the index in the chunk of the first of them.
  mutating func add(
    source values: UnsafeBufferPointer<Float>, output outputs: UnsafeBufferPointer<Float>,
    position: Int
  ) {
    precondition(values.count == outputs.count)
    var (maximum, unequal, lost) = (maxAbsError, 0, 0)
    signal.withUnsafeMutableBufferPointer { signal in
      output.withUnsafeMutableBufferPointer { output in
        noise.withUnsafeMutableBufferPointer { noise in
          for index in values.indices {
            let (value, written) = (values[index], outputs[index])
            let (x, y) = (Double(value), Double(written))
            let error = x - y
            let lane = (position &+ index) & (Self.laneCount - 1)
            signal[lane] += x * x
            output[lane] += y * y
            noise[lane] += error * error
            if error.magnitude > maximum { maximum = error.magnitude }
            unequal &+= value != written ? 1 : 0
            lost &+= value.bitPattern == 0x8000_0000 && written.bitPattern == 0 ? 1 : 0
          }
        }
      }
    }
    maxAbsError = maximum
    unequalCount += unequal
    lostSignCount += lost
  }

  /// Adds entries of an index table: they are equal or not, and their squares count as signal.
  mutating func add(entry: Int, output written: Int32, position: Int) {
    let lane = position % Self.laneCount
    signal[lane] += Double(entry) * Double(entry)
    output[lane] += Double(entry) * Double(entry)
    if entry != Int(written) { unequalCount += 1 }
  }

  var sums: ErrorSums {
    var sums = ErrorSums()
    sums.signal = Self.total(signal)
    sums.output = Self.total(output)
    sums.noise = Self.total(noise)
    sums.maxAbsError = maxAbsError
    sums.unequalCount = unequalCount
    sums.lostSignCount = lostSignCount
    return sums
  }

  /// Lane i and lane i + 8, then i and i + 4, and so on.
  private static func total(_ lanes: [Double]) -> Double {
    lanes.count == 1
      ? lanes[0]
      : total((0..<lanes.count / 2).map { lanes[$0] + lanes[$0 + lanes.count / 2] })
  }
}
