import QuernQuantization
import QuernTestSupport
import Testing

@Suite struct NumberFormatRowsTests {
  @Test("rows encode to gguf-py's bytes and decode like the reference", arguments: BlockSpec.words)
  func encodesGoldenRows(word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let vectors = try SafetensorsFixture("blocks/block_vectors.safetensors")
    let encoded = try format.encode(vectors.floats("encode.\(format.ggmlName).values"))
    let expected = try vectors.bytes("encode.\(format.ggmlName).bytes")
    #expect(firstDifference(encoded, expected) == nil)
    let decoded = try bits(format.decode(encoded))
    #expect(firstDifference(decoded, bits(ReferenceDecoder.decode(format, encoded))) == nil)
  }

  private func bits(_ values: [Float]?) -> [UInt32]? { values?.map(\.bitPattern) }

  @Test("plain formats round to nearest even", arguments: [NumberFormat.f32, .f16, .bf16])
  func encodesPlainFormats(format: NumberFormat) throws {
    let values: [Float] = [0, -0.0, 1, -2.5, 65504]
    let decoded = try format.decode(format.encode(values))
    #expect(decoded == (format == .bf16 ? [0, -0.0, 1, -2.5, 65536] : values))
  }

  @Test("what cannot be encoded is refused by name")
  func refuses() {
    #expect(throws: QuantizationError.rowLength(format: .q8_0, found: 33, multipleOf: 32)) {
      try NumberFormat.q8_0.encode([Float](repeating: 0, count: 33))
    }
    #expect(throws: QuantizationError.nonFinite(format: .f16, index: 2)) {
      try NumberFormat.f16.encode([0, 1, .nan, .infinity])
    }
    #expect(throws: QuantizationError.notAWeightFormat(.i32)) { try NumberFormat.i32.encode([1]) }
    #expect(throws: QuantizationError.byteCount(format: .q4_0, found: 17, multipleOf: 18)) {
      try NumberFormat.q4_0.decode([UInt8](repeating: 0, count: 17))
    }
  }

  @Test("empty rows are rows", arguments: NumberFormat.allCases)
  func emptyRows(format: NumberFormat) throws {
    #expect(try format.decode([]).isEmpty)
    if format != .i32 { #expect(try format.encode([]).isEmpty) }
  }
}
