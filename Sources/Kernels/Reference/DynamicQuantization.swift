import QuernQuantization

/// `npu_dynamic_quant`: integers with a scale for each token.
///
/// In float32, with `top` 127 or 7: inverse = top / largest magnitude, scale = 1 / inverse,
/// code = x · inverse, rounded to even. A token of zeros has the scale 0 and codes 0; so has one whose
/// inverse is infinite, below about 4e-37, where the hardware is not defined.
package enum DynamicQuantization {
  /// - Parameter smoothScales: one for each column, by which activations are multiplied before.
  /// - Throws: `KernelError` for activations that are not finite and for counts that do not fit.
  package static func quantize(
    _ x: FloatMatrix, bits: IntegerGroupLayout.CodeBits = .eight, smoothScales: [Float]? = nil
  ) throws(KernelError) -> QuantizedActivations {
    if let smoothScales {
      try KernelError.check("smooth scales", smoothScales.count, expected: x.columnCount)
    }
    let top: Float = bits == .four ? 7 : 127
    var result = QuantizedActivations(tokens: x.rowCount, width: x.columnCount)
    for token in 0..<x.rowCount {
      let first = token * x.columnCount
      var row = Array(x.values[first..<first + x.columnCount])
      if let smoothScales { for index in row.indices { row[index] *= smoothScales[index] } }
      if let bad = row.firstIndex(where: { !$0.isFinite }) { throw .nonFinite(index: first + bad) }
      let inverse = top / row.reduce(0) { max($0, $1.magnitude) }
      guard inverse.isFinite else { continue }
      result.scales[token] = 1 / inverse
      for index in row.indices {
        result.codes.codes[first + index] = code(row[index] * inverse)
      }
    }
    return result
  }

  /// The nearest integer, to even on ties, within int8.
  static func code(_ value: Float) -> Int8 {
    Int8(max(-128, min(127, value.rounded(.toNearestOrEven))))
  }
}
