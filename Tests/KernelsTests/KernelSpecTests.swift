import Testing

@testable import QuernKernels

/// Every example of the specification, with the plain products and with those of the C kernels.
@Suite struct KernelSpecTests {
  let spec: KernelSpec
  static let products: [any MatrixProducts] = [PlainProducts()] + KernelProducts.available

  init() throws { spec = try KernelSpec.read() }

  @Test("dynamic quantization")
  func dynamicQuantization() throws {
    for example in spec.dynamicQuant {
      let found = try DynamicQuantization.quantize(
        FloatMatrix(rows: example.tokens, values: example.x),
        bits: example.bits == 4 ? .four : .eight, smoothScales: example.smoothScales)
      #expect(found.codes.codes == example.codes, "\(example.note)")
      #expect(found.scales == example.scales, "\(example.note)")
    }
  }

  @Test("the 64 bits of scales for the matrix unit")
  func parameters() throws {
    for example in spec.transQuantParam {
      let parameter = try TransQuantParam(scale: example.scale, offset: example.offset)
      #expect(parameter.bits == UInt64(example.bits, radix: 16))
      #expect(parameter.scale == FP19.truncated(example.scale))
      #expect(parameter.offset == example.offset)
    }
    #expect(throws: KernelError.offset(256)) { try TransQuantParam(scale: 1, offset: 256) }
    #expect(throws: KernelError.offset(-257)) { try TransQuantParam(scale: 1, offset: -257) }
  }

  @Test("the int8 matmul", arguments: products)
  func quantMatmul(products: any MatrixProducts) throws {
    for example in spec.quantMatmul {
      let scales: QuantMatmul.Scales =
        example.scaleKind == "floats"
        ? .floats(example.scales)
        : .parameters(try example.scales.map { try TransQuantParam(scale: $0) })
      let bias: QuantMatmul.Bias =
        example.integerBias.map { .integers($0) } ?? example.floatBias.map { .floats($0) } ?? .none
      let matmul = try QuantMatmul(
        weights: CodeMatrix(rows: example.outputs, codes: example.w), scales: scales, bias: bias)
      let out = try matmul.multiply(
        CodeMatrix(rows: example.tokens, codes: example.x), tokenScales: example.tokenScales,
        output: try #require(HalfType(rawValue: example.output)), using: products)
      #expect(out.values == example.out, "\(example.note)")
    }
  }

  @Test("the int8 matmul with outputs of int8", arguments: products)
  func requantize(products: any MatrixProducts) throws {
    for example in spec.requantize {
      let matmul = try QuantMatmul(
        weights: CodeMatrix(rows: example.outputs, codes: example.w),
        scales: .parameters([TransQuantParam(scale: example.scale, offset: example.offset)]))
      let out = try matmul.requantize(
        CodeMatrix(rows: example.tokens, codes: example.x), using: products)
      #expect(out.codes == example.out)
    }
  }

  @Test("the W4A8 matmul", arguments: products)
  func w4a8(products: any MatrixProducts) throws {
    for example in spec.w4a8 {
      let weights = try W4A8Weights(
        codes: CodeMatrix(rows: example.outputs, codes: example.w), scales: example.scales,
        groups: example.groups, scaleBias: example.scaleBias)
      let x = try QuantizedActivations(
        codes: CodeMatrix(rows: example.tokens, codes: example.x), scales: example.tokenScales)
      let out = try GroupedMatmulW4A8.multiply(x, weights, using: products)
      #expect(out.values == example.out, "\(example.note)")
    }
  }

  @Test("SwiGLU and quantization")
  func swiglu() throws {
    for example in spec.swigluQuant {
      let found = try SwiGLU.quantize(
        gate: FloatMatrix(rows: example.tokens, values: example.gate),
        up: FloatMatrix(rows: example.tokens, values: example.up), limit: example.limit,
        scaling: example.scaling == "division" ? .division : .inverse)
      #expect(found.codes.codes == example.codes && found.scales == example.scales)
    }
  }

  @Test("the fused kernel", arguments: products)
  func fused(products: any MatrixProducts) throws {
    for example in spec.groupedMatmulSwigluQuant {
      let x = try QuantizedActivations(
        codes: CodeMatrix(rows: example.tokens, codes: example.x), scales: example.tokenScales)
      let halves = try [example.gate, example.up].map {
        (try CodeMatrix(rows: example.outputs, codes: $0.w), $0)
      }
      let found: QuantizedActivations
      if example.bits == 8 {
        let weights = try halves.map { try W8A8Weights(codes: $0.0, scales: $0.1.scales) }
        found = try GroupedMatmulSwiGLUQuant.multiply(
          x, gate: weights[0], up: weights[1], limit: example.limit, using: products)
      } else {
        let weights = try halves.map {
          try W4A8Weights(codes: $0.0, scales: $0.1.scales, scaleBias: $0.1.scaleBias)
        }
        found = try GroupedMatmulSwiGLUQuant.multiply(
          x, gate: weights[0], up: weights[1], limit: example.limit, using: products)
      }
      #expect(found.codes.codes == example.codes && found.scales == example.scales)
    }
  }

  @Test("the matmul of 16-bit activations", arguments: products)
  func weightQuant(products: any MatrixProducts) throws {
    for example in spec.weightQuantBatchMatmul {
      let matmul = try WeightQuantBatchMatmul(
        codes: CodeMatrix(rows: example.outputs, codes: example.w), scales: example.scales,
        offsets: example.offsets, groupElements: example.groupElements, bias: example.bias)
      let out = try matmul.multiply(
        FloatMatrix(rows: example.tokens, values: example.x),
        type: try #require(HalfType(rawValue: example.type)), using: products)
      #expect(out.values == example.out, "\(example.note)")
    }
  }
}
