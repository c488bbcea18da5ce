import QuernQuantization

/// How far a row may be from its source where nobody says how it was made.
///
/// A whole tensor hides a single row with the wrong sign: rows are judged one by one. For numbers the
/// limit is that of their type. For integers it follows from the row: no value is off by more than half
/// a step of the scale that the largest magnitude needs, nor by more than itself, so that the squared
/// error is at most Σ min(x², (step/2)²). Rounding alone stays near a third of that, searches below it;
/// unrelated values have twice the signal, negated ones four times.
struct RowTolerance: Sendable {
  /// √(noise / signal) that a row of numbers may have.
  let relativeError: Double

  /// What BF16 scales add to a step, and rounding in narrow types to an error.
  private static let scaleRounding = 1 + 0x1p-7
  private static let allowance = 1.05

  /// The first row of numbers that is too far.
  func firstFarRow(source: [Float], decoded: [Float], rowLength: Int, firstRow: Int)
    -> IntegerFinding.FarRow?
  {
    for row in 0..<source.count / max(1, rowLength) {
      let sums = Self.sums(source, decoded, row * rowLength..<(row + 1) * rowLength)
      if let far = Self.judge(sums, limit: relativeError * relativeError * sums.signal) {
        return .init(row: firstRow + row, error: far.error, limit: far.limit)
      }
    }
    return nil
  }

  /// The first row of integers that is too far.
  func firstFarRow(source: [Float], decoded: [Float], tile: IntegerTile, firstRow: Int)
    -> IntegerFinding.FarRow?
  {
    for row in 0..<tile.rowCount {
      let range = row * tile.rowLength..<(row + 1) * tile.rowLength
      let sums = Self.sums(source, decoded, range)
      var limit = 0.0
      for start in stride(from: range.lowerBound, to: range.upperBound, by: tile.groupElements) {
        limit += Self.largestNoise(
          source[start..<min(start + tile.groupElements, range.upperBound)], tile.storage)
      }
      if let far = Self.judge(sums, limit: Self.allowance * limit) {
        return .init(row: firstRow + row, error: far.error, limit: far.limit)
      }
    }
    return nil
  }

  private static func sums(_ source: [Float], _ decoded: [Float], _ range: Range<Int>)
    -> (signal: Double, noise: Double)
  {
    var (signal, noise) = (0.0, 0.0)
    for index in range {
      let (value, error) = (
        Double(source[index]), Double(source[index]) - Double(decoded[index])
      )
      signal += value * value
      noise += error * error
    }
    return (signal, noise)
  }

  /// Both as relative errors where there is too much noise, NaN included.
  private static func judge(_ sums: (signal: Double, noise: Double), limit: Double)
    -> (error: Double, limit: Double)?
  {
    if sums.noise <= limit + sums.signal * 1e-12 { return nil }
    guard sums.signal > 0 else { return (.infinity, 0) }
    return ((sums.noise / sums.signal).squareRoot(), (limit / sums.signal).squareRoot())
  }

  private static func largestNoise(_ values: ArraySlice<Float>, _ storage: IntegerStorage)
    -> Double
  {
    let largest = values.reduce(Float(0)) { max($0, $1.magnitude) }
    let top: Double = storage.bits == .eight ? 127 : 7
    let half = Double(largest) / top * scaleRounding / 2
    return values.reduce(0) { $0 + min(Double($1) * Double($1), half * half) }
  }
}
