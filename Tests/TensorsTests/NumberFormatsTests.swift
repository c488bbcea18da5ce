import QuernTensors
import QuernTestSupport
import Testing

/// A decoder under test, with its names in the specification and in the golden tables.
struct NumberDecoder: Sendable, CustomTestStringConvertible {
  let spec: String
  let table: String
  let decode: @Sendable (UInt16) -> Float

  var testDescription: String { spec }

  static let all = [
    NumberDecoder(spec: "BF16", table: "bf16") { BF16.decode($0) },
    NumberDecoder(spec: "F16", table: "f16") { F16.decode($0) },
    NumberDecoder(spec: "E4M3", table: "e4m3fn") { E4M3.decode(UInt8($0)) },
    NumberDecoder(spec: "E5M2", table: "e5m2") { E5M2.decode(UInt8($0)) },
    NumberDecoder(spec: "E8M0", table: "e8m0fnu") { E8M0.decode(UInt8($0)) },
    NumberDecoder(spec: "E2M1", table: "e2m1fn") { E2M1.decode(UInt8($0)) },
  ]
}

@Suite struct NumberFormatsTests {
  @Test("every code decodes to the golden table's bits", arguments: NumberDecoder.all)
  func decodesEveryCode(decoder: NumberDecoder) throws {
    let table = try SafetensorsFixture("numbers/number_tables.safetensors").floats(decoder.table)
    let wrong = table.indices.filter { code in
      let value = decoder.decode(UInt16(code))
      // Which NaN is a matter of F16 alone: the table has signaling ones.
      return value.isNaN && table[code].isNaN
        ? value.sign != table[code].sign : value.bitPattern != table[code].bitPattern
    }
    #expect(wrong.isEmpty)
  }

  @Test("the specification's examples decode", arguments: NumberDecoder.all)
  func decodesExamples(decoder: NumberDecoder) throws {
    for example in try NumberSpec.read(decoder.spec).decode {
      let code = try #require(UInt16(example.code, radix: 16))
      #expect(decoder.decode(code).bitPattern == UInt32(example.bits, radix: 16), "\(example.code)")
    }
  }

  @Test(
    "rounding to 16 bits is to nearest even, by the golden cases and the examples",
    arguments: [("BF16", "bf16_out"), ("F16", "f16_out")])
  func encodes(name: String, golden: String) throws {
    let encode = name == "BF16" ? BF16.encode : F16.encode
    let tables = try SafetensorsFixture("numbers/number_tables.safetensors")
    let encoded = try tables.floats("f32_in").map(encode)
    #expect(firstDifference(encoded, try tables.words(golden)) == nil)
    for example in try #require(NumberSpec.read(name).encode) {
      let value = Float(bitPattern: try #require(UInt32(example.bits, radix: 16)))
      #expect(encode(value) == UInt16(example.code, radix: 16), "\(example.bits)")
    }
  }

  @Test("a NaN stays a NaN of its sign in 16 bits")
  func keepsNaN() {
    for bits: UInt32 in [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF] {
      let value = Float(bitPattern: bits)
      for decoded in [BF16.decode(BF16.encode(value)), F16.decode(F16.encode(value))] {
        #expect(decoded.isNaN && decoded.sign == value.sign)
      }
    }
  }

  @Test("FP8 tables hold every code")
  func tables() {
    for code in 0...255 {
      let (e4m3, e5m2) = (FP8Table.e4m3[code].bitPattern, FP8Table.e5m2[code].bitPattern)
      #expect(e4m3 == E4M3.decode(UInt8(code)).bitPattern)
      #expect(e5m2 == E5M2.decode(UInt8(code)).bitPattern)
    }
  }
}
