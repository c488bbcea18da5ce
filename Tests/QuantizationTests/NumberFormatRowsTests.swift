import QuernQuantization
import QuernTestSupport
import Testing

@Suite struct NumberFormatRowsTests {
  @Test(
    "rows encode to gguf-py's or ggml's bytes and decode like the reference",
    arguments: BlockSpec.words)
  func encodesGoldenRows(word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let vectors = try BlockVectors(word: word, name: format.ggmlName)
    let (elements, size) = (format.blockElements, format.blockBytes)
    var encoded: [UInt8] = []
    for block in 0..<vectors.values.count / elements {
      let expected = Array(vectors.bytes[block * size..<(block + 1) * size])
      // gguf-py and ggml write an infinite scale where Quern refuses.
      guard try #require(ReferenceDecoder.decode(format, expected)).allSatisfy(\.isFinite) else {
        continue
      }
      let values = Array(vectors.values[block * elements..<(block + 1) * elements])
      let bytes = try format.encode(values, method: .reference)
      #expect(firstDifference(bytes, expected) == nil, "block \(block)")
      encoded += bytes
    }
    #expect(encoded.count >= vectors.bytes.count / 2)
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

  @Test("weights that say nothing are refused by name")
  func refusesWeights() {
    let values = [Float](repeating: 1, count: 64)
    #expect(throws: QuantizationError.weightCount(format: .q4_0, found: 33, values: 64)) {
      try NumberFormat.q4_0.encode(values, weights: [Float](repeating: 1, count: 33))
    }
    #expect(throws: QuantizationError.weightCount(format: .q4_0, found: 0, values: 64)) {
      try NumberFormat.q4_0.encode(values, weights: [])
    }
    // A row of 16 columns is no row of blocks of 32.
    #expect(throws: QuantizationError.weightCount(format: .q4_0, found: 16, values: 64)) {
      try NumberFormat.q4_0.encode(values, weights: [Float](repeating: 1, count: 16))
    }
    #expect(throws: QuantizationError.weightsForReference(format: .q4_0)) {
      try NumberFormat.q4_0.encode(values, method: .reference, weights: values)
    }
  }

  @Test("a weight is finite and not negative", arguments: [-1, .infinity, .nan] as [Float])
  func refusesWeight(weight: Float) throws {
    var weights = [Float](repeating: 1, count: 32)
    weights[7] = weight
    let error = #expect(throws: QuantizationError.self) {
      try NumberFormat.q4_0.encode([Float](repeating: 1, count: 64), weights: weights)
    }
    let text = try #require(error).description
    #expect(text.contains("Q4_0: weight 7 is \(weight)"))
  }

  @Test(
    "values too large for an F16 scale are refused, whatever the method",
    arguments: [EncodingMethod.reference, .optimal])
  func refusesScaleOverflow(method: EncodingMethod) {
    var values = [Float](repeating: 1, count: 256)
    values[40] = 1e38
    #expect(throws: QuantizationError.scaleOverflow(format: .q8_0, block: 1)) {
      try NumberFormat.q8_0.encode(values, method: method)
    }
    #expect(throws: QuantizationError.scaleOverflow(format: .q6_k, block: 0)) {
      try NumberFormat.q6_k.encode(values, method: method)
    }
  }

  @Test(
    "one row of weights serves every row", arguments: NumberFormat.allCases.filter { $0 != .i32 })
  func repeatsWeights(format: NumberFormat) throws {
    var generator = SeededGenerator(seed: 5)
    let values = (0..<1024).map { _ in Float.random(in: -1...1, using: &generator) }
    let row = (0..<256).map { _ in Float.random(in: 0...4, using: &generator) }
    let all = row + row + row + row
    #expect(try format.encode(values, weights: row) == format.encode(values, weights: all))
  }

  @Test("empty rows are rows", arguments: NumberFormat.allCases)
  func emptyRows(format: NumberFormat) throws {
    #expect(try format.decode([]).isEmpty)
    if format != .i32 { #expect(try format.encode([]).isEmpty) }
  }
}
