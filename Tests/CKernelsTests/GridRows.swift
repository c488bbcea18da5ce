import Foundation
import QuernTestSupport

/// FP4 rows that encoders from the grid can stumble over.
enum GridRows {
  /// Random blocks; some of few codes, so that each lattice step gets its turn.
  static func blocks(_ count: Int, scales: ClosedRange<UInt8>, seed: UInt64) -> Grid {
    var generator = SeededGenerator(seed: seed)
    let palettes: [[UInt8]] = [
      Array(0..<16), [0, 8], [0, 3, 5, 7, 11, 13, 15], [0, 1, 2, 3, 4, 5, 9, 10, 13],
      [1, 2, 3, 6, 9, 10], [1, 9, 2, 10, 3, 14], [2, 4, 6, 10, 12], [7, 15, 2, 4],
      [1, 3, 9, 11, 7],
      [0, 7], [1, 15], [6, 14, 1],
    ]
    var grid = Grid(packed: [], scales: [])
    for block in 0..<count {
      let palette = palettes[block % palettes.count]
      for _ in 0..<16 {
        let low = palette.randomElement(using: &generator) ?? 0
        let high = palette.randomElement(using: &generator) ?? 0
        grid.packed.append(low | high << 4)
      }
      grid.scales.append(UInt8.random(in: scales, using: &generator))
    }
    return grid
  }

  /// Super-blocks of any codes whose scale bytes are at most `spread` apart; some runs are all zeros,
  /// whose scale byte is any.
  static func superBlocks(_ count: Int, scales: ClosedRange<UInt8>, spread: Int, seed: UInt64)
    -> Grid
  {
    var generator = SeededGenerator(seed: seed)
    var grid = blocks(8 * count, scales: scales, seed: seed)
    for block in 0..<count {
      let first = Int.random(
        in: Int(scales.lowerBound)...Int(scales.upperBound) - spread, using: &generator)
      for run in 8 * block..<8 * block + 8 {
        grid.scales[run] = UInt8(first + Int.random(in: 0...spread, using: &generator))
        guard block % 3 == 0, run % 4 == 1 else { continue }
        grid.packed.replaceSubrange(16 * run..<16 * run + 16, with: repeatElement(0x80, count: 16))
        grid.scales[run] = UInt8.random(in: 0...254, using: &generator)
      }
    }
    return grid
  }

  /// Gaussian rows of 4096 rounded to FP4 with the exponent of the largest magnitude rounded up to
  /// hold it, or down as OCP's rule has it; the standard deviations of the rows are spread evenly
  /// over an octave.
  static func gaussian(rows: Int, roundsUp: Bool, seed: UInt64) -> Grid {
    var generator = SeededGenerator(seed: seed)
    var grid = Grid(packed: [], scales: [])
    for row in 0..<rows {
      let deviation = exp2(-6 + (Double(row) + 0.5) / Double(rows))
      for _ in 0..<128 {
        let values = (0..<32).map { _ in deviation * normal(&generator) }
        let largest = values.map(\.magnitude).max() ?? 1
        let exponent = roundsUp ? log2(largest / 6).rounded(.up) : log2(largest).rounded(.down) - 2
        let codes = values.map { code(of: $0 / exp2(exponent)) }
        let block = Grid(codes: codes, scale: UInt8(exponent + 127))
        grid.packed += block.packed
        grid.scales += block.scales
      }
    }
    return grid
  }

  private static func normal(_ generator: inout SeededGenerator) -> Double {
    let radius = (-2 * log(Double.random(in: 1e-300...1, using: &generator))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
  }

  private static func code(of value: Double) -> UInt8 {
    let grid: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    let distances = grid.map { ($0 - value.magnitude).magnitude }
    let code = UInt8(distances.indices.min { distances[$0] < distances[$1] } ?? 0)
    return value < 0 ? code + 8 : code
  }
}
