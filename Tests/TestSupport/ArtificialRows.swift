import Foundation

/// Super-blocks of 256 elements such as no trained matrix has, of many sizes.
package enum ArtificialRows {
  /// `count` super-blocks, each kind in turn.
  package static func superBlocks(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).flatMap { superBlock($0 % 10, &generator) }
  }

  private static func superBlock(_ kind: Int, _ generator: inout SeededGenerator) -> [Float] {
    let size = exp(3 * WeightedRows.gaussian(&generator))
    let small = size * exp(Double.random(in: -12 ... -2, using: &generator))
    let run = (0..<32).map { _ in size * WeightedRows.gaussian(&generator) }
    let place = Int.random(in: 0..<256, using: &generator)
    func element(_ i: Int) -> Double {
      switch kind {
      case 0: return 1000 + 0.1 * WeightedRows.gaussian(&generator)
      case 1: return size + small * WeightedRows.gaussian(&generator)
      case 2: return -size - small * Double(i) / 256
      case 3: return size * Double(i) / 255
      case 4: return i == place ? run[0] : 0
      case 5: return Int.random(in: 0..<64, using: &generator) == 0 ? run[i % 32] : 0
      case 6: return run[i % 32]
      case 7: return run[i / 32]
      case 8: return Bool.random(using: &generator) ? size : -small
      default: return size * exp(-Double(i) / 40)
      }
    }
    return (0..<256).map { Float(element($0)) }
  }
}
