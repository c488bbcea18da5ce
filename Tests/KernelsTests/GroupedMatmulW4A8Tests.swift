import QuernLayouts
import QuernTestSupport
import Testing

@testable import QuernKernels

@Suite struct GroupedMatmulW4A8Tests {
  /// One product of the operator's own model: `testdata/ascend`.
  private struct Golden {
    let x: QuantizedActivations
    let groupSizes: [Int]
    let experts: [W4A8Weights]
    /// [experts, inputs, outputs] as the model has them.
    let codes: [Int8]
    let inputs: Int
    let outputs: Int
    let out: [UInt16]

    init(_ name: String) throws {
      let file = try SafetensorsFixture("ascend/vectors.safetensors")
      func codes(_ part: String) throws -> [Int8] {
        try file.bytes("\(name).\(part)").map { Int8(bitPattern: $0) }
      }
      let tokenScales = try file.floats("\(name).per_token_scale")
      x = try QuantizedActivations(
        codes: CodeMatrix(rows: tokenScales.count, codes: codes("x_int8")), scales: tokenScales)
      groupSizes = try file.bytes("\(name).group_sizes").enumerated()
        .filter { $0.offset % 8 == 0 }.map { Int($0.element) }
      let scales = try file.floats("\(name).scale_f32")
      let bias = try file.floats("\(name).scale_bias_f32")
      (inputs, outputs) = (x.codes.columnCount, scales.count / groupSizes.count)
      let stored = try codes("w_int4_as_int8")
      self.codes = stored
      out = try file.words("\(name).out_f16")
      var experts: [W4A8Weights] = []
      for expert in groupSizes.indices {
        var transposed: [Int8] = []
        for output in 0..<outputs {
          for input in 0..<inputs {
            transposed.append(stored[(expert * inputs + input) * outputs + output])
          }
        }
        let range = expert * outputs..<(expert + 1) * outputs
        experts.append(
          try W4A8Weights(
            codes: CodeMatrix(rows: outputs, codes: transposed), scales: Array(scales[range]),
            scaleBias: Array(bias[range])))
      }
      self.experts = experts
    }
  }

  @Test(
    "the result is that of the operator's own model, bit for bit",
    arguments: ["a8w4.0", "a8w4.1"], KernelSpecTests.products)
  func golden(name: String, products: any MatrixProducts) throws {
    let golden = try Golden(name)
    let out = try GroupedMatmulW4A8.multiply(
      golden.x, groupSizes: golden.groupSizes, experts: golden.experts, using: products)
    #expect(out.rounded(to: .f16).values == golden.out.map { HalfType.f16.decoded($0) })
  }

  @Test("codes read from FRACTAL_NZ are those of the file", arguments: ["a8w4.0", "a8w4.1"])
  func fractalNZ(name: String) throws {
    let golden = try Golden(name)
    let layout = try FractalNZ(
      .int4, rows: golden.inputs, columns: golden.outputs, matrices: golden.experts.count)
    var packed: [UInt8] = []
    for index in stride(from: 0, to: golden.codes.count, by: 2) {
      let (low, high) = (golden.codes[index], golden.codes[index + 1])
      packed.append(UInt8(bitPattern: low) & 15 | UInt8(bitPattern: high) << 4)
    }
    var stored = [UInt8](repeating: 0xA5, count: layout.byteCount)
    packed.withUnsafeBytes { packed in
      stored.withUnsafeMutableBytes { layout.relay(packed, into: $0) }
    }
    let weights = try NZWeights(layout: layout, bytes: stored)
    for (index, expert) in golden.experts.enumerated() {
      #expect(weights.codes(matrix: index) == expert.codes)
    }
  }

  @Test("without fp16 between, the split adds up to the plain product")
  func split() throws {
    // Scales of powers of two and few inputs: all intermediate results are exact in F16.
    let x = try CodeMatrix(rows: 1, codes: [-128, -127, -17, -16, -1, 0, 1, 7, 8, 15, 16, 127])
    let w = try CodeMatrix(rows: 2, codes: (0..<24).map { Int8($0 % 16 - 8) })
    let bias = (0..<2).map { row in
      Float(8 * w.codes[row * 12..<row * 12 + 12].reduce(0) { $0 + Int($1) })
    }
    let weights = try W4A8Weights(codes: w, scales: [1, 1], scaleBias: bias)
    let out = try GroupedMatmulW4A8.multiply(
      QuantizedActivations(codes: x, scales: [0.5]), weights, using: PlainProducts())
    #expect(out.values == PlainProducts().integers(x, w, columns: 0..<12).map { Float($0) / 2 })
  }

  @Test("columns of scale_bias are added")
  func biasColumns() throws {
    let codes = try CodeMatrix(rows: 2, codes: [1, 2, 3, 4])
    let weights = try W4A8Weights(
      codes: codes, scales: [1, 1], scaleBias: (0..<32).map { Float($0) })
    #expect(weights.scaleBias == [120, 376])
  }

  @Test("what does not fit is refused")
  func refusals() throws {
    let codes = try CodeMatrix(rows: 2, codes: [1, 2, 3, 4])
    #expect(throws: KernelError.code(index: 1, found: 8)) {
      try W4A8Weights(
        codes: CodeMatrix(rows: 1, codes: [0, 8]), scales: [1], scaleBias: [0])
    }
    #expect(throws: KernelError.count(of: "scales", found: 3, expected: 2)) {
      try W4A8Weights(codes: codes, scales: [1, 1, 1], scaleBias: [0, 0])
    }
    #expect(throws: KernelError.groups(inputs: 2, groups: 3)) {
      try W4A8Weights(codes: codes, scales: [1, 1], groups: 3, scaleBias: [0, 0])
    }
    #expect(throws: KernelError.count(of: "scale_bias", found: 3, expected: 2)) {
      try W4A8Weights(codes: codes, scales: [1, 1], scaleBias: [0, 0, 0])
    }
    let weights = try W4A8Weights(codes: codes, scales: [1, 1], scaleBias: [0, 0])
    let x = try QuantizedActivations(codes: CodeMatrix(rows: 1, codes: [1, 2, 3]), scales: [1])
    #expect(throws: KernelError.inputs(found: 3, expected: 2)) {
      try GroupedMatmulW4A8.multiply(x, weights, using: PlainProducts())
    }
    for sizes in [[2], [1, 0], [-1, 2]] {
      #expect(throws: KernelError.self) {
        try GroupedMatmulW4A8.multiply(
          x, groupSizes: sizes, experts: [weights], using: PlainProducts())
      }
    }
  }
}
