import QuernTensors

/// The W4A8 grouped matmul as A2 and A3 compute it, which multiply int4 by int4 only ("MSD"): an
/// activation x is split into x = 16·hi + lo + 8 with hi = ⌊x/16⌋ and lo = (x mod 16) − 8.
///
/// Each of both is multiplied with the codes in int32 and with the fp19 of the scale in float32, and
/// rounded to F16; groups are added in F16. Then, in float32, ((16·hi + lo) + scale_bias) · token
/// scale: `scale_bias` is 8 · Σ code · scale, the share of the 8.
package enum GroupedMatmulW4A8 {
  /// One expert, in float32: the kernel rounds the result once to the type of its output.
  ///
  /// - Throws: `KernelError.inputs` for activations that do not fit the weights.
  package static func multiply(
    _ x: QuantizedActivations, _ weights: W4A8Weights, using products: some MatrixProducts
  ) throws(KernelError) -> FloatMatrix {
    guard x.codes.columnCount == weights.codes.columnCount else {
      throw .inputs(found: x.codes.columnCount, expected: weights.codes.columnCount)
    }
    var (high, low) = (x.codes, x.codes)
    for index in x.codes.codes.indices {
      high.codes[index] = x.codes.codes[index] >> 4
      low.codes[index] = (x.codes.codes[index] & 15) - 8
    }
    let highPart = part(high, weights, products)
    let lowPart = part(low, weights, products)
    var out = FloatMatrix(x.codes.rowCount, weights.codes.rowCount)
    for token in 0..<out.rowCount {
      for output in 0..<out.columnCount {
        let index = token * out.columnCount + output
        let sum = highPart[index] * 16 + lowPart[index] + weights.scaleBias[output]
        out.values[index] = sum * x.scales[token]
      }
    }
    return out
  }

  /// Tokens that are sorted by expert: the first `groupSizes[0]` go to the first expert, and so on.
  ///
  /// - Throws: `KernelError` for sizes that do not add up to the tokens and shapes that do not fit.
  package static func multiply(
    _ x: QuantizedActivations, groupSizes: [Int], experts: [W4A8Weights],
    using products: some MatrixProducts
  ) throws(KernelError) -> FloatMatrix {
    let groups = try TokenGroups(groupSizes, experts: experts.count, tokens: x.scales.count)
    let outputs = experts.first?.codes.rowCount ?? 0
    var values: [Float] = []
    for (expert, range) in zip(experts, groups.ranges) {
      try KernelError.check("outputs", expert.codes.rowCount, expected: outputs)
      values += try multiply(x.tokens(range), expert, using: products).values
    }
    return try FloatMatrix(rows: x.scales.count, columns: outputs, values: values)
  }

  /// What one half of the activations contributes: numbers of F16.
  private static func part(
    _ x: CodeMatrix, _ weights: W4A8Weights, _ products: some MatrixProducts
  ) -> [Float] {
    let groupWidth = x.columnCount / weights.groupCount
    let scales = weights.scales.map(FP19.truncated)
    var out = [Float](repeating: 0, count: x.rowCount * weights.codes.rowCount)
    for group in 0..<weights.groupCount {
      let columns = group * groupWidth..<(group + 1) * groupWidth
      let sums = products.integers(x, weights.codes, columns: columns)
      for token in 0..<x.rowCount {
        for output in 0..<weights.codes.rowCount {
          let index = token * weights.codes.rowCount + output
          let scaled = Float(sums[index]) * scales[output * weights.groupCount + group]
          // The float32 sum of two numbers of F16, rounded again, is their F16 sum: 24 bits are enough.
          out[index] = HalfType.f16.rounded(out[index] + HalfType.f16.rounded(scaled))
        }
      }
    }
    return out
  }
}
