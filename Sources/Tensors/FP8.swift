/// FP8 E4M3 ("E4M3FN"): 1 sign bit, 4 exponent bits (bias 7), 3 fraction bits; no infinity, one
/// NaN of either sign (all other bits set), largest value 448. (OCP FP8 specification 1.0.)
public enum E4M3 {
  /// The value of a code; exact.
  public static func decode(_ code: UInt8) -> Float {
    if code & 0x7F == 0x7F { return FP8.nan(sign: code) }
    return FP8.value(code, fractionBits: 3, bias: 7)
  }
}

/// FP8 E5M2: the upper half of a binary16; infinities and NaNs as there.
public enum E5M2 {
  /// The value of a code; exact, save that every NaN decodes to the one quiet NaN of its sign.
  public static func decode(_ code: UInt8) -> Float {
    let magnitude = code & 0x7F
    if magnitude > 0x7C { return FP8.nan(sign: code) }
    if magnitude == 0x7C { return code & 0x80 == 0 ? .infinity : -.infinity }
    return FP8.value(code, fractionBits: 2, bias: 15)
  }
}

/// What the two FP8 formats share.
enum FP8 {
  static func nan(sign code: UInt8) -> Float {
    Float(bitPattern: UInt32(code & 0x80) << 24 | 0x7FC0_0000)
  }

  /// A finite code: 2^(1 − bias) · fraction for the exponent field 0, otherwise
  /// 2^(field − bias) · (1 + fraction).
  static func value(_ code: UInt8, fractionBits: Int, bias: Int) -> Float {
    let magnitude = Int(code & 0x7F)
    let field = magnitude >> fractionBits
    let implicit = field == 0 ? 0 : 1 << fractionBits
    let fraction = implicit + magnitude & (1 << fractionBits - 1)
    let exponent = max(field, 1) - bias - fractionBits
    let value = Float(sign: .plus, exponent: exponent, significand: Float(fraction))
    return code & 0x80 == 0 ? value : -value
  }
}

/// The 256 values of each FP8 format, by code.
package enum FP8Table {
  package static let e4m3: [Float] = (0...255).map { E4M3.decode(UInt8($0)) }
  package static let e5m2: [Float] = (0...255).map { E5M2.decode(UInt8($0)) }

  /// Decodes a row: element i is its code's value times `scales[i / scaleBlock]`, rounded once.
  package static func decodeRow(
    _ codes: UnsafeRawBufferPointer, table: [Float], scales: UnsafeBufferPointer<Float>,
    scaleBlock: Int, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(codes.count == values.count && table.count == 256)
    for (block, start) in stride(from: 0, to: values.count, by: scaleBlock).enumerated() {
      let scale = scales[block]
      for index in start..<min(start + scaleBlock, values.count) {
        values[index] = table[Int(codes[index])] * scale
      }
    }
  }
}
