import CKernels
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernKernels

/// The products of every level are those of the definition, in C and in Swift.
@Suite struct ProductsTests {
  private struct Shape: Sendable {
    let tokens: Int
    let outputs: Int
    let width: Int
  }
  private static let shapes: [Shape] =
    [0, 1, 2, 3, 4, 5, 9].flatMap { tokens in
      [0, 1, 5, 6, 7, 13].flatMap { outputs in
        [0, 1, 15, 16, 17, 31, 32, 33, 200].map { width in
          Shape(tokens: tokens, outputs: outputs, width: width)
        }
      }
    }

  @Test("int8", arguments: KernelProducts.available)
  func integers(products: KernelProducts) throws {
    var generator = SeededGenerator(seed: 3)
    for shape in Self.shapes {
      func codes(_ rows: Int) throws -> CodeMatrix {
        let bytes = generator.bytes(rows * shape.width).map { Int8(bitPattern: $0) }
        return try CodeMatrix(rows: rows, columns: shape.width, codes: bytes)
      }
      let (x, w) = (try codes(shape.tokens), try codes(shape.outputs))
      for columns in [0..<shape.width, shape.width / 3..<shape.width / 2] {
        #expect(
          products.integers(x, w, columns: columns)
            == PlainProducts().integers(x, w, columns: columns))
      }
    }
  }

  @Test("int8 sums wrap around", arguments: KernelProducts.available)
  func wrapping(products: KernelProducts) throws {
    let row = try CodeMatrix(
      rows: 1, columns: 131_072, codes: .init(repeating: -128, count: 131_072))
    #expect(products.integers(row, row, columns: 0..<131_072) == [.min])
    #expect(products.integers(row, row, columns: 0..<131_071) == [.max - 16383])
  }

  @Test("float32, signs of zero too", arguments: KernelProducts.available)
  func floats(products: KernelProducts) throws {
    var generator = SeededGenerator(seed: 4)
    for shape in Self.shapes {
      func values(_ rows: Int) throws -> FloatMatrix {
        let values = (0..<rows * shape.width).map { _ in
          let value = Float.random(in: -1...1, using: &generator)
          // Products below the smallest number: their sums can be −0.
          return Bool.random(using: &generator) ? value : value * 0x1p-80
        }
        return try FloatMatrix(rows: rows, columns: shape.width, values: values)
      }
      let (x, w) = (try values(shape.tokens), try values(shape.outputs))
      let (found, expected) = (products.floats(x, w), PlainProducts().floats(x, w))
      #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
    }
  }

  @Test("a sum of −0 becomes +0 where lanes are filled up", arguments: KernelProducts.available)
  func negativeZero(products: KernelProducts) throws {
    for count in [1, 16, 17] {
      var (x, w) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
      (x[count - 1], w[count - 1]) = (-0x1p-100, 0x1p-100)
      let (left, right) = (
        try FloatMatrix(rows: 1, values: x), try FloatMatrix(rows: 1, values: w)
      )
      #expect(
        products.floats(left, right).values[0].bitPattern
          == PlainProducts().floats(left, right).values[0].bitPattern)
    }
  }
}

extension KernelProducts {
  static let available = RowKernels.available.map { KernelProducts($0) }
}

extension KernelProducts: CustomTestStringConvertible {
  public var testDescription: String { "kernels, \(level.levelName)" }
}

extension PlainProducts: CustomTestStringConvertible {
  public var testDescription: String { "plain" }
}
