import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernKernels

/// Many rows at once, in slices, and what does not fit.
@Suite struct BlockProductsShapesTests {
  private static let levels = RowKernels.available.map { BlockProducts($0) }
  private static let formats = NumberFormat.allCases.filter { $0.activationRounding != nil }
  private static let (rows, outputs, columns) = (7, 37, 768)

  private static func values(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  private static func product(
    _ products: BlockProducts, _ format: NumberFormat, _ weights: [UInt8], outputsAtOnce: Int
  ) throws -> [UInt32] {
    let rounding = try #require(format.activationRounding)
    let x = try RoundedRows(
      values(rows * columns, seed: 1), rows: rows, columns: columns, to: rounding)
    var out = [Float](repeating: .nan, count: rows * outputs)
    try out.withUnsafeMutableBufferPointer { out in
      for first in stride(from: 0, to: outputs, by: outputsAtOnce) {
        let count = min(outputsAtOnce, outputs - first)
        let rowBytes = weights.count / outputs
        try weights[first * rowBytes..<(first + count) * rowBytes].withUnsafeBytes { weights in
          try products.multiply(
            x, weights: weights, format: format, outputs: count, out: out.baseAddress! + first,
            outStride: outputs)
        }
      }
    }
    return out.map(\.bitPattern)
  }

  @Test("every level and every slice gives the bits of the definition", arguments: formats)
  func levels(format: NumberFormat) throws {
    let weights = try format.encode(
      Self.values(Self.outputs * Self.columns, seed: 2), method: .reference)
    let expected = try Self.product(
      BlockProducts(.scalar), format, weights, outputsAtOnce: Self.outputs)
    for products in Self.levels {
      for count in [Self.outputs, 5, 1] {
        #expect(try Self.product(products, format, weights, outputsAtOnce: count) == expected)
      }
    }
  }

  @Test("activations are rounded as the weights require, in whole blocks")
  func refusals() throws {
    let values = Self.values(96, seed: 3)
    #expect(throws: KernelError.blocks(columns: 96, of: 256)) {
      try RoundedRows(values, rows: 1, columns: 96, to: .q8_k)
    }
    let x = try RoundedRows(values, rows: 1, columns: 96, to: .q8_0)
    var out: Float = 0
    let bytes = [UInt8](repeating: 0, count: 54)
    #expect(throws: KernelError.rounding(found: .q8_0, weights: .q4_1)) {
      try bytes.withUnsafeBytes {
        try BlockProducts().multiply(x, weights: $0, format: .q4_1, outputs: 1, out: &out)
      }
    }
    #expect(throws: KernelError.blocks(columns: 96, of: 64)) {
      try bytes.withUnsafeBytes {
        try BlockProducts().multiply(x, weights: $0, format: .nvfp4, outputs: 1, out: &out)
      }
    }
    #expect(throws: KernelError.count(of: "bytes of weights", found: 54, expected: 108)) {
      try bytes.withUnsafeBytes {
        try BlockProducts().multiply(x, weights: $0, format: .q4_0, outputs: 2, out: &out)
      }
    }
  }

  @Test("an activation that is no number makes its row of products no numbers")
  func nonFinite() throws {
    var values = Self.values(2 * 64, seed: 4)
    values[3] = .nan
    let weights = try NumberFormat.q8_0.encode(Self.values(64, seed: 5), method: .reference)
    for products in Self.levels {
      let x = try RoundedRows(values, rows: 2, columns: 64, to: .q8_0)
      var out: [Float] = [0, 0]
      try weights.withUnsafeBytes {
        try products.multiply(x, weights: $0, format: .q8_0, outputs: 1, out: &out)
      }
      #expect(out[0].isNaN && out[1].isFinite)
    }
  }
}
