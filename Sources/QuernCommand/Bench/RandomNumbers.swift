#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fixed stream of numbers: xoshiro256** (Blackman and Vigna), its state filled by SplitMix64.
struct RandomNumbers {
  private var state: (UInt64, UInt64, UInt64, UInt64)
  /// Box and Muller's transform makes normal numbers in pairs.
  private var spare: Double?

  init(seed: UInt64) {
    var mixer = seed
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var word = mixer
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
    state = (next(), next(), next(), next())
  }

  mutating func word() -> UInt64 {
    let product = state.1 &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = state.3 << 45 | state.3 >> 19
    return result
  }

  /// Above 0 and below 1.
  mutating func uniform() -> Double { (Double(word() >> 11) + 0.5) * 0x1p-53 }

  /// Mean 0, variance 1.
  mutating func normal() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let radius = (-2 * log(uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Laplace's distribution, variance 1.
  mutating func laplace() -> Double {
    let place = uniform() - 0.5
    return (place < 0 ? 1 : -1) * log(1 - 2 * place.magnitude) * 0.5.squareRoot()
  }

  /// Student's distribution with five degrees of freedom, scaled to variance 1.
  mutating func student5() -> Double {
    let numerator = normal()
    var squares = 0.0
    for _ in 0..<5 {
      let value = normal()
      squares += value * value
    }
    return numerator / (squares / 3).squareRoot()
  }
}
