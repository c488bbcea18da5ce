import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@Suite struct ReferenceDecoderTests {
  @Test("blocks decode to gguf-py's bits", arguments: BlockSpec.words)
  func decodesGoldenBlocks(word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let vectors = try SafetensorsFixture("blocks/block_vectors.safetensors")
    let values = ReferenceDecoder.decode(
      format, try vectors.bytes("decode.\(format.ggmlName).bytes"))
    let expected = try vectors.floats("decode.\(format.ggmlName).values")
    #expect(firstDifference(values?.map(\.bitPattern), expected.map(\.bitPattern)) == nil)
  }

  @Test("the specification's examples decode", arguments: BlockSpec.words)
  func decodesExamples(word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    for example in try BlockSpec.read(word).decode {
      let values = ReferenceDecoder.decode(format, try #require(bytes(hexadecimal: example.block)))
      #expect(values?.map(\.bitPattern) == example.values.map(\.bitPattern), "\(example.note)")
    }
  }

  @Test("formats without blocks decode element by element")
  func decodesPlainFormats() {
    #expect(ReferenceDecoder.decode(.f32, [0, 0, 0x80, 0x3F]) == [1])
    #expect(ReferenceDecoder.decode(.i32, [0xFE, 0xFF, 0xFF, 0xFF]) == [-2])
    #expect(ReferenceDecoder.decode(.f16, [0x00, 0x3C]) == [1])
    #expect(ReferenceDecoder.decode(.bf16, [0x80, 0x3F]) == [1])
    #expect(ReferenceDecoder.decode(.f32, [0, 0, 0]) == nil)
  }

  @Test("of NVFP4's scale bytes only 0x7F is special, and the sign is ignored")
  func nvfp4Scales() {
    for byte: UInt8 in 0...255 {
      let scale = ReferenceDecoder.nvfp4Scale(byte)
      #expect(scale == (byte == 0x7f ? 0 : byte & 0x7f == 0x7f ? 480 : E4M3.decode(byte & 0x7f)))
    }
  }

  @Test("an E8M0 scale of 255 is NaN, whatever the code")
  func scaleNaN() throws {
    let values = try #require(ReferenceDecoder.decode(.mxfp4, [255] + [UInt8](0..<16)))
    #expect(values.allSatisfy { $0.isNaN })
  }
}
