import Testing

@testable import QuernKernels

/// Shapes that do not fit, and numbers that no kernel takes.
@Suite struct RefusalTests {
  private func codes(_ rows: Int, _ columns: Int) throws -> CodeMatrix {
    try CodeMatrix(rows: rows, columns: columns, codes: .init(repeating: 1, count: rows * columns))
  }

  @Test("matrices need an element for each place")
  func matrices() {
    #expect(throws: KernelError.count(of: "codes", found: 3, expected: 4)) {
      try CodeMatrix(rows: 2, columns: 2, codes: [1, 2, 3])
    }
    #expect(throws: KernelError.count(of: "values", found: 0, expected: .max)) {
      try FloatMatrix(rows: .max, columns: 2, values: [])
    }
    #expect(throws: KernelError.count(of: "token scales", found: 1, expected: 2)) {
      try QuantizedActivations(codes: codes(2, 2), scales: [1])
    }
  }

  @Test("activations that are not finite are refused, where they are")
  func nonFinite() throws {
    let x = try FloatMatrix(rows: 2, values: [1, 2, 3, .nan])
    #expect(throws: KernelError.nonFinite(index: 3)) { try DynamicQuantization.quantize(x) }
    #expect(throws: KernelError.nonFinite(index: 3)) {
      try SwiGLU.quantize(gate: x, up: x, scaling: .inverse)
    }
    let large = try FloatMatrix(rows: 1, values: [1, .greatestFiniteMagnitude])
    #expect(throws: KernelError.nonFinite(index: 1)) {
      try DynamicQuantization.quantize(large, smoothScales: [1, 2])
    }
  }

  @Test("tokens too small for an inverse have scale 0")
  func tiny() throws {
    let x = try FloatMatrix(rows: 1, values: [1e-38, -0x1p-130])
    let found = try DynamicQuantization.quantize(x)
    #expect(found.scales == [0] && found.codes.codes == [0, 0])
    let one = try FloatMatrix(rows: 1, values: [1, 1])
    let fused = try SwiGLU.quantize(gate: one, up: x, scaling: .inverse)
    #expect(fused.scales == [0] && fused.codes.codes == [0, 0])
  }

  @Test("the int8 matmul needs a scale for all or each output, and a bias for each")
  func quantMatmul() throws {
    let weights = try codes(3, 2)
    #expect(throws: KernelError.count(of: "scales", found: 2, expected: 3)) {
      try QuantMatmul(weights: weights, scales: .floats([1, 1]))
    }
    #expect(throws: KernelError.count(of: "bias", found: 1, expected: 3)) {
      try QuantMatmul(weights: weights, scales: .floats([1]), bias: .integers([1]))
    }
    let matmul = try QuantMatmul(weights: weights, scales: .floats([1]))
    #expect(throws: KernelError.inputs(found: 3, expected: 2)) {
      try matmul.multiply(codes(1, 3), tokenScales: nil, output: .f16, using: PlainProducts())
    }
    #expect(throws: KernelError.count(of: "token scales", found: 2, expected: 1)) {
      try matmul.multiply(codes(1, 2), tokenScales: [1, 1], output: .f16, using: PlainProducts())
    }
  }

  @Test("groups of weights need their scales and offsets")
  func weightQuant() throws {
    #expect(throws: KernelError.count(of: "scales", found: 1, expected: 2)) {
      try WeightQuantBatchMatmul(codes: codes(1, 40), scales: [1], groupElements: 32)
    }
    #expect(throws: KernelError.count(of: "offsets", found: 1, expected: 2)) {
      try WeightQuantBatchMatmul(
        codes: codes(1, 40), scales: [1, 1], offsets: [0], groupElements: 32)
    }
    #expect(throws: KernelError.groups(inputs: 40, groups: 0)) {
      try WeightQuantBatchMatmul(codes: codes(1, 40), scales: [1], groupElements: 0)
    }
  }

  @Test("the exponential function is right to the last places")
  func exponential() {
    for (x, expected) in [
      (0.0, 1.0), (1, 0x1.5bf0a8b145769p+1), (-1, 0x1.78b56362cef38p-2),
      (10, 22026.465794806718), (-20, 2.061153622438558e-9), (700, 1.0142320547350045e304),
      (-740, 85 * 0x1p-1074),
    ] {
      #expect(abs(Exponential.of(x) - expected) <= 8 * expected.ulp)
    }
    #expect(Exponential.of(710) == .infinity && Exponential.of(-746) == 0)
    #expect(Exponential.of(.nan).isNaN && Exponential.of(-.infinity) == 0)
  }
}
