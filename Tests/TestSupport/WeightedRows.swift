import Foundation

/// Blocks of 32 with weights, of the kinds that searches for scales can stumble over.
package struct WeightedRows: Sendable {
  package var values: [Float] = []
  package var weights: [Float] = []

  package static let kinds = 13

  /// `count` blocks, each kind in turn.
  package init(blocks count: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for index in 0..<count { append(kind: index % Self.kinds, &generator) }
  }

  private mutating func append(kind: Int, _ generator: inout SeededGenerator) {
    let unit = exp(Double.random(in: -9...7, using: &generator))
    var block = (0..<32).map { _ in unit * Self.gaussian(&generator) }
    var importance = (0..<32).map { _ in pow(Self.gaussian(&generator), 2) }
    let place = Int.random(in: 0..<32, using: &generator)
    switch kind {
    case 1: block = (0..<32).map { _ in unit * Self.laplace(&generator) }
    case 2: block[place] *= 40
    case 3: block = (0..<32).map { _ in Self.gridValue(exponent: place - 16, &generator) }
    case 4: importance = (0..<32).map { $0 == place ? 3 : 0 }
    case 5: importance = importance.map { Bool.random(using: &generator) ? $0 : 0 }
    case 6: block = block.map { $0 / unit * 1e-7 }
    case 7: block = (0..<32).map { $0 == place ? 4e5 : 1e-3 * Self.gaussian(&generator) }
    case 8: block = block.map { Int.random(in: 0..<5, using: &generator) == 0 ? $0 : -0.0 }
    case 9: importance = [Double](repeating: 1, count: 32)
    case 10: importance = importance.map { $0 * exp(Self.gaussian(&generator) * 9) }
    case 11: block = block.map { ($0 / unit * 3).rounded() / 64 }
    case 12: block = [Double](repeating: place % 2 == 0 ? 0 : -0.0, count: 32)
    default: break
    }
    values += block.map { Float($0) }
    weights += importance.map { Float($0) }
  }

  package static func gaussian(_ generator: inout SeededGenerator) -> Double {
    let uniform = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator)
    return sqrt(-2 * log(uniform)) * cos(Double.random(in: 0..<(2 * .pi), using: &generator))
  }

  package static func laplace(_ generator: inout SeededGenerator) -> Double {
    let size = -log(Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator))
    return Bool.random(using: &generator) ? size : -size
  }

  /// A number of the FP4 grid.
  private static func gridValue(exponent: Int, _ generator: inout SeededGenerator) -> Double {
    let codes: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    let size = codes.randomElement(using: &generator) ?? 0
    return (Bool.random(using: &generator) ? size : -size) * pow(2, Double(exponent))
  }
}
