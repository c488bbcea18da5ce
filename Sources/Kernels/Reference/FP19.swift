/// The 19 bits that the matrix unit keeps of a float32 scale: sign, exponent and the upper ten bits of
/// the fraction. The others are cut, not rounded.
package enum FP19 {
  package static func truncated(_ value: Float) -> Float {
    Float(bitPattern: value.bitPattern & 0xFFFF_E000)
  }
}
