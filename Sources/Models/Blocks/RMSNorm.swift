/// x · (mean(x²) + ε)^-½ · weight, the mean in float64.
package struct RMSNorm: Sendable {
  /// Nil where nothing is multiplied afterwards.
  let weights: [Float]?
  let epsilon: Float
  /// What is normalized at once: a row, or each head of it.
  let width: Int

  package init(_ weights: [Float]?, width: Int, epsilon: Float) {
    (self.weights, self.width, self.epsilon) = (weights, width, epsilon)
  }

  package init(_ name: String, width: Int, epsilon: Float, _ products: Products)
    throws(ModelError)
  {
    self.init(
      try products.weights.values(name, shape: [width]), width: width, epsilon: epsilon)
  }

  /// In place, every run of `width` values.
  package func normalize(_ x: Activations) {
    precondition(x.values.count % width == 0)
    for first in stride(from: 0, to: x.values.count, by: width) {
      normalize(UnsafeMutableBufferPointer(rebasing: x.values[first..<first + width]))
    }
  }

  package func normalized(_ x: Activations) -> Activations {
    let result = x.copy()
    normalize(result)
    return result
  }

  package func normalize(_ values: UnsafeMutableBufferPointer<Float>) {
    let factor = Self.factor(UnsafeBufferPointer(values), epsilon: epsilon)
    if let weights {
      for index in values.indices { values[index] = values[index] * factor * weights[index] }
    } else {
      for index in values.indices { values[index] *= factor }
    }
  }

  /// (mean(x²) + ε)^-½
  package static func factor(_ values: UnsafeBufferPointer<Float>, epsilon: Float) -> Float {
    // Four sums: one would wait for itself.
    var sums = SIMD4<Double>()
    let whole = values.count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
      let part = SIMD4<Double>(
        Double(values[index]), Double(values[index + 1]), Double(values[index + 2]),
        Double(values[index + 3]))
      sums += part * part
    }
    var sum = sums.sum()
    for index in whole..<values.count { sum += Double(values[index]) * Double(values[index]) }
    return Float(1 / (sum / Double(values.count) + Double(epsilon)).squareRoot())
  }
}
