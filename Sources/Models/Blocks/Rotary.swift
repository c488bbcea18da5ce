#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Rotary positions: pair i of a head at position p is turned by the angle p · frequency(i).
package struct Rotary: Sendable {
  /// Which two channels are a pair.
  package enum Pairs: Sendable {
    /// 2i and 2i + 1.
    case adjacent
    /// i and i + half.
    case halves
  }

  let pairs: Pairs
  /// Radians per position, for each pair.
  let frequencies: [Double]
  /// What cosine and sine are multiplied by (YaRN's attention factor).
  let magnitude: Float

  package var width: Int { 2 * frequencies.count }

  package init(_ pairs: Pairs, frequencies: [Double], magnitude: Float = 1) {
    (self.pairs, self.frequencies, self.magnitude) = (pairs, frequencies, magnitude)
  }

  /// θ^(-2i/width) for each pair.
  package static func frequencies(width: Int, theta: Double) -> [Double] {
    (0..<width / 2).map { pow(theta, -2 * Double($0) / Double(width)) }
  }

  /// YaRN's frequencies (arXiv 2309.00071): low ones divided by `factor`, high ones kept, between them a
  /// linear ramp over the pairs. dim(β) = width·ln(length/(2πβ)) / (2·ln θ) is the pair that turns β times
  /// within the original length.
  package static func yarn(
    width: Int, theta: Double, factor: Double, originalLength: Double, betaFast: Double,
    betaSlow: Double
  ) -> [Double] {
    func pair(_ beta: Double) -> Double {
      Double(width) * log(originalLength / (2 * .pi * beta)) / (2 * log(theta))
    }
    let low = max(pair(betaFast).rounded(.down), 0)
    let high = min(pair(betaSlow).rounded(.up), Double(width - 1))
    let span = high == low ? 0.001 : high - low
    return frequencies(width: width, theta: theta).enumerated().map { index, frequency in
      let ramp = max(0, min(1, (Double(index) - low) / span))
      return frequency / factor * ramp + frequency * (1 - ramp)
    }
  }

  /// Turns channels `offset ..< offset + width` of every head, the heads lying behind each other in each
  /// row.
  ///
  /// - Parameters:
  ///   - rows: the rows to turn; nil for all.
  ///   - positions: one for each of them.
  ///   - isInverse: whether angles are negated.
  package func apply(
    _ x: Activations, rows: Range<Int>? = nil, headWidth: Int, offset: Int = 0,
    positions: [Int], isInverse: Bool = false
  ) {
    let rows = rows ?? 0..<x.rowCount
    precondition(positions.count == rows.count && x.width % headWidth == 0)
    var (cosines, sines) = ([Float](), [Float]())
    var current = -1
    for (row, position) in zip(rows, positions) {
      if position != current {
        current = position
        (cosines, sines) = angles(at: current, isInverse: isInverse)
      }
      let values = x.row(row)
      for head in stride(from: offset, to: x.width, by: headWidth) {
        turn(UnsafeMutableBufferPointer(rebasing: values[head..<head + width]), cosines, sines)
      }
    }
  }

  private func angles(at position: Int, isInverse: Bool) -> ([Float], [Float]) {
    // The angle as float32, as the models were trained with.
    let angles = frequencies.map { Float(Double(position) * Double(Float($0))) }
    return (
      angles.map { cosf($0) * magnitude },
      angles.map { sinf($0) * (isInverse ? -magnitude : magnitude) }
    )
  }

  private func turn(
    _ values: UnsafeMutableBufferPointer<Float>, _ cosines: [Float], _ sines: [Float]
  ) {
    let half = frequencies.count
    for pair in 0..<half {
      let (first, second) =
        pairs == .adjacent ? (2 * pair, 2 * pair + 1) : (pair, pair + half)
      let (a, b) = (values[first], values[second])
      values[first] = a * cosines[pair] - b * sines[pair]
      values[second] = b * cosines[pair] + a * sines[pair]
    }
  }
}

extension TokenBatch {
  /// The position of each row in its sequence.
  package var positions: [Int] { sequences.flatMap { Array(0..<$0.count) } }
}
