import QuernQuantization
import QuernTestSupport
import Testing

/// Every level does what the specifications and other people's encoders say.
@Suite struct SpecificationTests {
  @Test("the examples of blocks run", arguments: RowKernels.available, BlockSpec.words)
  func examples(level: RowKernels, word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let spec = try BlockSpec.read(word)
    for example in spec.encode {
      #expect(
        hexadecimal(level.encoded(format, example.values)) == example.block, "\(example.note)")
    }
    for example in spec.decode {
      let block = try #require(bytes(hexadecimal: example.block))
      #expect(
        level.decoded(format, block) == example.values.map(\.bitPattern), "\(example.note)")
    }
    for example in spec.grid {
      let grid = Grid(
        packed: try #require(bytes(hexadecimal: example.packed)), scales: [example.scale])
      #expect(hexadecimal(level.encoded(format, grid)) == example.block, "\(example.note)")
    }
  }

  @Test("rows become gguf-py's or ggml's bytes", arguments: RowKernels.available, BlockSpec.words)
  func goldenRows(level: RowKernels, word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let vectors = try BlockVectors(word: word, name: format.ggmlName)
    #expect(firstDifference(level.encoded(format, vectors.values), vectors.bytes) == nil)
  }

  @Test(
    "decoders equal the reference decoders in Swift", arguments: RowKernels.available,
    LevelTests.formats)
  func reference(level: RowKernels, format: NumberFormat) throws {
    var generator = SeededGenerator(seed: 4)
    var bytes = generator.bytes(format.blockBytes * (64_000 / max(32, format.blockElements)))
    if format.blockElements == 1 {
      bytes = (0..<0x10000).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    }
    let expected = try #require(ReferenceDecoder.decode(format, bytes)).map(\.bitPattern)
    let decoded = level.decoded(format, bytes)
    #expect(firstDifference(format.comparable(decoded), format.comparable(expected)) == nil)
  }

  @Test(
    "MXFP4's exponent is that of a logarithm rounded to float32", arguments: RowKernels.available)
  func roundedLogarithm(level: RowKernels) {
    for exponent in -124...127 {
      let power = Float(sign: .plus, exponent: exponent, significand: 1)
      for below: UInt32 in 0...100 {
        let value = Float(bitPattern: power.bitPattern - below)
        let block = level.encoded(.mxfp4, [value] + [Float](repeating: 0, count: 31))
        let logarithm = Float(binaryLogarithm(value))
        #expect(Int(block[0]) == Int(logarithm.rounded(.down)) + 125, "\(value)")
      }
    }
  }
}
