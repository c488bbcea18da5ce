import CKernels
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernKernels

@Suite struct BlockProductsTests {
  private static let spec: ProductSpec? = try? ProductSpec.read()
  private static let levels = RowKernels.available.map { BlockProducts($0) }
  private static let formats = NumberFormat.allCases.filter { $0.activationRounding != nil }

  @Test("the specification has products of every format of weights")
  func coverage() throws {
    let spec = try ProductSpec.read()
    #expect(Set(spec.products.map(\.format)) == Set(Self.formats.map(\.rawValue)))
    #expect(Set(spec.activations.map(\.format)) == Set(ActivationRounding.allCases.map(\.rawValue)))
    for product in spec.products {
      let format = NumberFormat(rawValue: product.format)
      #expect(format?.activationRounding?.rawValue == product.activations)
    }
  }

  /// Codes and scales of a row as llama.cpp stores it.
  private static func stored(_ bytes: [UInt8], _ rounding: ActivationRounding)
    -> PlainBlockProducts.Activations
  {
    var row = PlainBlockProducts.Activations()
    let word = { (index: Int) in UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8 }
    let wide = { (index: Int) in
      Float(bitPattern: UInt32(word(index)) | UInt32(word(index + 2)) << 16)
    }
    let (size, codes) =
      switch rounding {
      case .f32: (4, 0..<0)
      case .f16, .bf16: (2, 0..<0)
      case .q8_0: (34, 2..<34)
      case .q8_1: (36, 4..<36)
      case .q8_k: (292, 4..<260)
      }
    for start in stride(from: 0, to: bytes.count, by: size) {
      switch rounding {
      case .f32: row.codes.append(wide(start))
      case .f16: row.codes.append(F16.decode(word(start)))
      case .bf16: row.codes.append(BF16.decode(word(start)))
      case .q8_0, .q8_1, .q8_k:
        let scale = rounding == .q8_k ? wide(start) : F16.decode(word(start))
        row.codes += codes.map { Float(Int8(bitPattern: bytes[start + $0])) }
        row.scales += codes.map { _ in scale }
        if rounding == .q8_1 { row.sums.append(F16.decode(word(start + 2))) }
      }
    }
    if row.scales.isEmpty { row.scales = row.codes.map { _ in 1 } }
    return row
  }

  @Test("plain Swift rounds activations as llama.cpp does", arguments: spec?.activations ?? [])
  func roundedPlainly(example: ProductSpec.Activations) throws {
    let rounding = try #require(ActivationRounding(rawValue: example.format))
    let row = try #require(bytes(hexadecimal: example.bytes))
    let expected = Self.stored(row, rounding)
    let found = PlainBlockProducts.rounded(try ProductSpec.read().values(example.row), to: rounding)
    #expect(found.codes == expected.codes)
    #expect(found.scales == expected.scales)
    #expect(found.sums == expected.sums)
  }

  @Test("the kernels round activations as llama.cpp does", arguments: spec?.activations ?? [])
  func rounded(example: ProductSpec.Activations) throws {
    let rounding = try #require(ActivationRounding(rawValue: example.format))
    let row = try #require(bytes(hexadecimal: example.bytes))
    let expected = Self.stored(row, rounding)
    let values = try ProductSpec.read().values(example.row)
    let found = try RoundedRows(values, rows: 1, columns: values.count, to: rounding)
    switch found.content {
    case .values(let values): #expect(values == expected.codes)
    case .codes(let codes):
      let pointers = codes.pointers
      for index in values.indices {
        #expect(Float(pointers.codes[index]) == expected.codes[index])
        #expect(pointers.scales[index / 16] == expected.scales[index])
      }
      for (index, sum) in expected.sums.enumerated() { #expect(pointers.offsets[index] == sum) }
    }
  }

  @Test("products are llama.cpp's but for the last digits", arguments: spec?.products ?? [])
  func products(example: ProductSpec.Product) throws {
    let format = try #require(NumberFormat(rawValue: example.format))
    let weights = try #require(bytes(hexadecimal: example.weights))
    let columns = weights.count / format.blockBytes * format.blockElements
    let values = Array(try ProductSpec.read().values(example.row)[..<columns])
    let rounding = try #require(format.activationRounding)
    let (plain, size) = PlainBlockProducts.product(
      PlainBlockProducts.rounded(values, to: rounding), weights, format)
    #expect(abs(plain - Double(example.product)) < 1e-6 * size)
    let x = try RoundedRows(values, rows: 1, columns: columns, to: rounding)
    for products in Self.levels {
      var out: Float = .nan
      try weights.withUnsafeBytes { weights in
        try products.multiply(x, weights: weights, format: format, outputs: 1, out: &out)
      }
      #expect(abs(Double(out) - Double(example.product)) < 1e-6 * size)
      #expect(abs(Double(out) - plain) < 2e-7 * size)
    }
  }

  @Test("the activations' rounding shows in the products", arguments: spec?.products ?? [])
  func roundingShows(example: ProductSpec.Product) throws {
    let format = try #require(NumberFormat(rawValue: example.format))
    guard format.codeFormat != nil, example.row != "ties" else { return }
    let weights = try #require(bytes(hexadecimal: example.weights))
    let columns = weights.count / format.blockBytes * format.blockElements
    let values = Array(try ProductSpec.read().values(example.row)[..<columns])
    let decoded = try #require(ReferenceDecoder.decode(format, weights))
    let exact = zip(values, decoded).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let size = zip(values, decoded).reduce(0.0) { $0 + abs(Double($1.0) * Double($1.1)) }
    #expect(abs(exact - Double(example.product)) > 1e-5 * size)
  }
}

extension BlockProducts: CustomTestStringConvertible {
  public var testDescription: String { "kernels, \(level.levelName)" }
}
