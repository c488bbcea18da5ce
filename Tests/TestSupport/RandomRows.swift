/// A small generator with a seed (SplitMix64), so that a failure repeats.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Random bytes, eight of each draw.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let word = next()
      for place in 0..<min(8, count - bytes.count) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * place)))
      }
    }
    return bytes
  }
}

/// Finite float32 rows that encoders can stumble over, as blocks of 32.
package enum EdgeRows {
  package static func blocks(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).flatMap { block($0, &generator) }
  }

  private static func block(_ index: Int, _ generator: inout SeededGenerator) -> [Float] {
    let scale = Float(
      sign: .plus, exponent: Int.random(in: -130...120, using: &generator),
      significand: 1)
    func any() -> Float { Float.random(in: -1...1, using: &generator) * scale }
    switch index % 12 {
    case 0: return [Float](repeating: index % 24 == 0 ? 0 : -0.0, count: 32)
    case 1:
      return (0..<32).map { _ in finite(UInt32.random(in: 0...UInt32.max, using: &generator)) }
    case 2: return (0..<32).map { _ in Float(Int.random(in: -16...16, using: &generator)) / 2 }
    case 3: return (0..<32).map { $0 == 5 ? 1e38 : any() }
    case 4: return (0..<32).map { _ in powerNeighbour(&generator) }
    case 5: return single(powerNeighbour(&generator), &generator)
    case 6: return (0..<32).map { _ in Bool.random(using: &generator) ? scale : -scale }
    case 7:
      return (0..<32).map { _ in finite(UInt32.random(in: 0...0x00FF_FFFF, using: &generator)) }
    case 8: return (0..<32).map { $0 % 3 == 0 ? -0.0 : any() }
    case 9: return (0..<32).map { $0 % 2 == 0 ? Float.greatestFiniteMagnitude : any() }
    default: return (0..<32).map { _ in any() }
    }
  }

  private static func finite(_ bits: UInt32) -> Float {
    let value = Float(bitPattern: bits)
    return value.isFinite ? value : Float(bitPattern: bits & ~0x0080_0000)
  }

  /// A power of two, or a value up to 100 last places below it.
  private static func powerNeighbour(_ generator: inout SeededGenerator) -> Float {
    let power = Float(
      sign: .plus, exponent: Int.random(in: -120...127, using: &generator), significand: 1)
    return Float(bitPattern: power.bitPattern - UInt32.random(in: 0...100, using: &generator))
  }

  private static func single(_ value: Float, _ generator: inout SeededGenerator) -> [Float] {
    var block = [Float](repeating: 0, count: 32)
    block[Int.random(in: 0..<32, using: &generator)] = value
    return block
  }
}
