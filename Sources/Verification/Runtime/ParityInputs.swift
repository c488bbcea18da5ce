import QuernKernels
import QuernTensors

/// What a weight is multiplied with: activations of BF16, and the same as the kernel quantizes them.
struct ParityInputs: Sendable {
  /// [tokens, inputs]
  let values: FloatMatrix
  /// Each token with a scale of its own.
  let dynamic: QuantizedActivations
  /// Σ of the squared values.
  let signal: Double
  /// Whether they are independent of each other and of all weights.
  let isRandom: Bool

  static let tokenCount = 8

  /// - Throws: `KernelError` for values that are not finite.
  init(_ values: FloatMatrix, isRandom: Bool) throws(KernelError) {
    self.values = values.rounded(to: .bf16)
    dynamic = try DynamicQuantization.quantize(self.values)
    signal = self.values.values.reduce(0) { $0 + Double($1) * Double($1) }
    self.isRandom = isRandom
  }

  /// About normal: sums of four uniform numbers of xorshift64*, seeded by the width, so that every
  /// machine multiplies with the same.
  static func random(width: Int) throws(KernelError) -> ParityInputs {
    var state = UInt64(width) &* 0x9E37_79B9_7F4A_7C15 | 1
    func uniform() -> Float {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return Float((state &* 0x2545_F491_4F6C_DD1D) >> 40) * 0x1p-24 - 0.5
    }
    let values = (0..<tokenCount * width).map { _ in
      (uniform() + uniform() + uniform() + uniform()) * 1.7320508
    }
    return try ParityInputs(
      FloatMatrix(rows: tokenCount, columns: width, values: values), isRandom: true)
  }

  /// √(noise / signal) of values as codes and scales.
  func error(_ decoded: (Int) -> Float) -> Double {
    guard signal > 0 else { return 0 }
    let noise = values.values.indices.reduce(0.0) { sum, index in
      let difference = Double(values.values[index]) - Double(decoded(index))
      return sum + difference * difference
    }
    return (noise / signal).squareRoot()
  }
}
