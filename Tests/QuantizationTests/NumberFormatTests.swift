import Foundation
import QuernQuantization
import QuernTestSupport
import Testing

@Suite struct NumberFormatTests {
  private struct TypeTable: Decodable {
    struct Row: Decodable {
      let name: String
      let id: UInt32
      let elements: Int
      let bytes: Int
    }
    let types: [Row]
  }

  @Test("every format is a row of the table of ggml types", arguments: NumberFormat.allCases)
  func agreesWithTypes(format: NumberFormat) throws {
    let data = try Data(contentsOf: TestData.format("types.json"))
    let rows = try JSONDecoder().decode(TypeTable.self, from: data).types
    let row = try #require(rows.first { $0.id == format.ggmlTypeID })
    #expect(row.name == format.ggmlName)
    #expect(row.elements == format.blockElements)
    #expect(row.bytes == format.blockBytes)
    #expect(NumberFormat(ggmlTypeID: row.id) == format)
  }

  @Test("block formats agree with their specifications", arguments: BlockSpec.words)
  func agreesWithSpec(word: String) throws {
    let spec = try BlockSpec.read(word)
    let format = try #require(NumberFormat(rawValue: word))
    #expect(spec.name == format.ggmlName && spec.ggmlTypeID == format.ggmlTypeID)
    #expect(spec.elements == format.blockElements && spec.bytes == format.blockBytes)
    #expect(spec.fields.map(\.bytes).reduce(0, +) == spec.bytes)
  }

  @Test("every block format has a specification")
  func specified() {
    let blocks = NumberFormat.allCases.filter { $0.blockElements > 1 }.map(\.rawValue)
    #expect(Set(blocks) == Set(BlockSpec.words))
    let encoded = BlockVectors.encodedByGGUFPy + BlockVectors.encodedByGGML
    #expect(Set(blocks) == Set(encoded) && blocks.count == encoded.count)
  }

  @Test("F16 scales lie where the specification has them", arguments: BlockSpec.words)
  func scaleOffsets(word: String) throws {
    let format = try #require(NumberFormat(rawValue: word))
    let fields = try BlockSpec.read(word).fields.filter { $0.type == "f16" }
    #expect(fields.map(\.offset) == format.f16ScaleOffsets)
  }

  @Test("byte counts are whole blocks, or nothing")
  func byteCounts() {
    #expect(NumberFormat.q8_0.byteCount(elements: 64) == 68)
    #expect(NumberFormat.q4_0.byteCount(elements: 0) == 0)
    #expect(NumberFormat.mxfp4.byteCount(elements: 33) == nil)
    #expect(NumberFormat.f32.byteCount(elements: -4) == nil)
    #expect(NumberFormat.f32.byteCount(elements: Int.max) == nil)
    #expect(NumberFormat.q4_k.byteCount(elements: 128) == nil)
    #expect(NumberFormat(ggmlTypeID: 10) == nil)
  }
}
