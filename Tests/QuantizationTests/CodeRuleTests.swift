import CKernels
import QuernQuantization
import QuernTestSupport
import Testing

/// The codes of blocks, taken apart and put together, against the reference decoder.
struct CodeRuleTests {
  private static let formats = NumberFormat.allCases.filter { $0.blockElements > 1 }

  /// A block with random scales of moderate size.
  private static func block(_ format: NumberFormat, _ random: inout SeededGenerator)
    -> [UInt8]
  {
    var block = (0..<format.blockBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    for offset in format.f16ScaleOffsets { block[offset + 1] = block[offset + 1] & 0x87 | 0x28 }
    if format == .mxfp4 { block[0] = 100 + block[0] % 50 }
    return block
  }

  @Test(arguments: formats)
  func codesStoredIntoABlockDecodeToScaleTimesCodePlusOffset(_ format: NumberFormat) throws {
    let codeFormat = try #require(format.codeFormat)
    let rule = quern_code_rule_of(codeFormat)
    #expect(rule.block_elements == format.blockElements && rule.block_bytes == format.blockBytes)
    var random = SeededGenerator(seed: 4)
    for _ in 0..<20 {
      var block = Self.block(format, &random)
      let largest = Int(rule.high - rule.low)
      let codes = (0..<format.blockElements).map { _ in
        UInt8(Int.random(in: 0...largest, using: &random))
      }
      quern_store_codes(codeFormat, codes, &block)
      let scales = Self.scales(codeFormat, block)
      let values = try #require(ReferenceDecoder.decode(format, block))
      for (index, code) in codes.enumerated() {
        let group = index / rule.group_elements
        let units = rule.table.map { $0[Int(code)] } ?? Float(code) + rule.low
        #expect(values[index] == scales[group] * units + scales[16 + group])
      }
    }
  }

  @Test(arguments: formats)
  func storingCodesLeavesTheScalesAlone(_ format: NumberFormat) throws {
    let codeFormat = try #require(format.codeFormat)
    var random = SeededGenerator(seed: 4)
    let before = Self.block(format, &random)
    var after = before
    quern_store_codes(codeFormat, [UInt8](repeating: 0, count: format.blockElements), &after)
    #expect(Self.scales(codeFormat, before) == Self.scales(codeFormat, after))
  }

  /// Scales, then offsets.
  private static func scales(_ format: quern_code_format, _ block: [UInt8]) -> [Float] {
    var (scales, offsets) = ([Float](repeating: 0, count: 16), [Float](repeating: 0, count: 16))
    quern_block_scales(format, block, &scales, &offsets)
    return scales + offsets
  }
}
