import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernKernels

@Suite struct FloatProductsTests {
  private static let levels = RowKernels.available.map { FloatProducts($0) }

  private static func values(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  /// More rows, outputs and inputs than a block of any level has.
  private static let (rows, outputs, inner) = (27, 101, 1111)

  private static func product(_ products: FloatProducts, outputsAtOnce: Int) -> [Float] {
    let x = values(rows * inner, seed: 1)
    let w = values(outputs * inner, seed: 2)
    var out = [Float](repeating: .nan, count: rows * outputs)
    out.withUnsafeMutableBufferPointer { out in
      for first in stride(from: 0, to: outputs, by: outputsAtOnce) {
        w[(first * inner)...].withUnsafeBufferPointer { w in
          products.multiply(
            x: x, rows: rows, w: w.baseAddress!, outputs: min(outputsAtOnce, outputs - first),
            inner: inner, out: out.baseAddress! + first, outStride: outputs)
        }
      }
    }
    return out
  }

  @Test("rows longer than a block give the bits of the definition", arguments: levels)
  func blocks(products: FloatProducts) throws {
    let x = try FloatMatrix(
      rows: Self.rows, columns: Self.inner, values: Self.values(Self.rows * Self.inner, seed: 1))
    let w = try FloatMatrix(
      rows: Self.outputs, columns: Self.inner,
      values: Self.values(Self.outputs * Self.inner, seed: 2))
    let expected = PlainProducts().floats(x, w).values
    #expect(Self.product(products, outputsAtOnce: Self.outputs) == expected)
  }

  @Test("slices of the weights give the bits of the whole", arguments: levels)
  func slices(products: FloatProducts) {
    let whole = Self.product(products, outputsAtOnce: Self.outputs)
    #expect(Self.product(products, outputsAtOnce: 7) == whole)
    #expect(Self.product(products, outputsAtOnce: 1) == whole)
  }

  @Test("a Gram matrix is the sums of products, in the upper triangle alone", arguments: levels)
  func gram(products: FloatProducts) {
    let (rows, columns, stride) = (150, 77, 80)
    let x = Self.values(rows * stride, seed: 3)
    var sums = [Double](repeating: 1, count: columns * columns)
    products.addGram(x: x, rows: rows, columns: columns, stride: stride, to: &sums)
    for i in 0..<columns {
      for j in 0..<columns {
        var (expected, size) = (1.0, 0.0)
        for row in 0..<rows where j >= i {
          let product = Double(x[row * stride + i]) * Double(x[row * stride + j])
          expected += product
          size += abs(product)
        }
        // Half a last place for each of 64 additions.
        #expect(abs(sums[i * columns + j] - expected) <= 0x1p-18 * size, "\(i), \(j)")
      }
    }
  }

  @Test("rows in calls of 64 give the bits of one call, at every level", arguments: levels)
  func gramInParts(products: FloatProducts) {
    let (rows, columns) = (150, 77)
    let x = Self.values(rows * columns, seed: 4)
    var whole = [Double](repeating: 0, count: columns * columns)
    var parts = whole
    FloatProducts(.scalar).addGram(
      x: x, rows: rows, columns: columns, stride: columns, to: &whole)
    for first in stride(from: 0, to: rows, by: 64) {
      x[(first * columns)...].withUnsafeBufferPointer { x in
        products.addGram(
          x: x.baseAddress!, rows: min(64, rows - first), columns: columns, stride: columns,
          to: &parts)
      }
    }
    #expect(whole == parts)
  }

  @Test("multiply-adds for the peak are counted", arguments: levels)
  func chains(products: FloatProducts) {
    let once = products.runMultiplyAdds(rounds: 1)
    #expect(once > 0)
    #expect(products.runMultiplyAdds(rounds: 10) == 10 * once)
  }
}

extension FloatProducts: CustomTestStringConvertible {
  public var testDescription: String { "kernels, \(level.levelName)" }
}
