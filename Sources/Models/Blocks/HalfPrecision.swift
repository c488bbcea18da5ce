/// Rounds float32 to the nearest F16, to even on ties; what is beyond the largest becomes the largest.
enum HalfPrecision {
  /// Of normal numbers the 13 last bits go; below them steps are 2^-24 wide, as those of float32 are
  /// from a half on.
  static func round(_ values: UnsafeMutableBufferPointer<Float>) {
    guard let base = values.baseAddress else { return }
    for index in 0..<values.count {
      let value = base[index]
      let bits = value.magnitude.bitPattern
      let normal = Float(bitPattern: (bits &+ 0xFFF &+ (bits >> 13 & 1)) & ~0x1FFF)
      let small = (value.magnitude + 0.5) - 0.5
      let rounded = value.magnitude < 0x1p-14 ? small : normal
      base[index] = Float(signOf: value, magnitudeOf: min(rounded, 65504))
    }
  }

  static func rounded(_ x: Activations) -> Activations {
    let result = x.copy()
    round(result.values)
    return result
  }
}
