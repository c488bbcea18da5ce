import Foundation
import QuernTestSupport
import Testing

/// `formats/products/spec.json`: rows rounded and multiplied by llama.cpp's CPU backend.
struct ProductSpec: Decodable, Sendable {
  struct Activations: Decodable, Sendable {
    let format: String
    let row: String
    let bytes: String
  }
  struct Product: Decodable, Sendable {
    let format: String
    let activations: String
    let row: String
    let weights: String
    let product: Float
  }

  /// Float32 values by name, as hexadecimal digits.
  let rows: [String: String]
  let activations: [Activations]
  let products: [Product]

  static func read() throws -> ProductSpec {
    let data = try Data(contentsOf: TestData.format("products/spec.json"))
    return try JSONDecoder().decode(ProductSpec.self, from: data)
  }

  func values(_ row: String) -> [Float] {
    let bytes = QuernTestSupport.bytes(hexadecimal: rows[row] ?? "") ?? []
    return stride(from: 0, to: bytes.count, by: 4).map { index in
      Float(bitPattern: bytes[index..<index + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
  }
}

extension ProductSpec.Activations: CustomTestStringConvertible {
  var testDescription: String { "\(format), \(row)" }
}

extension ProductSpec.Product: CustomTestStringConvertible {
  var testDescription: String { "\(format), \(row)" }
}
