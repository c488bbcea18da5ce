import Foundation

/// Super-blocks of 256 elements of one size each, with weights: what weight matrices look like.
package struct SuperBlockRows: Sendable {
  package var values: [Float] = []
  package var weights: [Float] = []

  /// Gaussian and Laplace super-blocks in turn; `units` are the standard deviations' logarithms.
  package init(count: Int, seed: UInt64, units: ClosedRange<Double> = -3...3) {
    var generator = SeededGenerator(seed: seed)
    for index in 0..<count {
      let unit = exp(Double.random(in: units, using: &generator))
      for _ in 0..<256 {
        let value =
          index % 2 == 0
          ? WeightedRows.gaussian(&generator) : WeightedRows.laplace(&generator)
        values.append(Float(unit * value))
        weights.append(Float(pow(WeightedRows.gaussian(&generator), 2)))
      }
    }
  }
}

extension EdgeRows {
  /// Super-blocks of 256 elements, each the same block of 32 eight times.
  package static func superBlocks(_ count: Int, seed: UInt64) -> [Float] {
    let once = blocks(count, seed: seed)
    return (0..<count).flatMap { index in
      (0..<8).flatMap { _ in once[32 * index..<32 * (index + 1)] }
    }
  }
}
