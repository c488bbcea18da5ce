import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// NVFP4's second scale: a power of two beside the tensor, where llama.cpp multiplies by it.
struct SecondScaleTests {
  private static let query = "model.layers.0.self_attn.q_proj.weight"
  private static let recipe = #"{rules: [{match: "*attn_q*", type: "nvfp4"}]}"#

  @Test(arguments: [
    (Float(2688), 0), (2689, 1), (1344, -1), (1344.5, 0), (1, -11), (0, 0), (1e-38, -126),
    (3.4e38, 117),
  ])
  func theLargestMagnitudeChoosesTheSmallestPowerOfTwo(largest: Float, exponent: Int) {
    #expect(SecondScaleSurvey.exponent(ofLargest: largest) == exponent)
  }

  @Test(arguments: [
    ("llama", "blk.3.ffn_down.weight", true), ("llama", "output.weight", true),
    ("llama", "token_embd.weight", false), ("qwen2", "blk.0.attn_k.weight", true),
    ("qwen2", "blk.0.ffn_up.weight", false), ("qwen3", "blk.0.ffn_up.weight", true),
    ("deepseek4", "blk.0.ffn_up_exps.weight", false), ("llama", "blk.0.attn_q.bias", false),
    ("deepseek4", "blk.6.nextn.eh_proj.weight", true), ("owl", "output.weight", false),
  ])
  func itIsWrittenWhereTheGraphMultipliesByIt(architecture: String, name: String, expected: Bool) {
    #expect(SecondScaleSurvey.isApplied(to: name, architecture: architecture) == expected)
  }

  /// Weights times a power of two have the same blocks and another second scale.
  @Test(arguments: [-40, -3, 0, 9, 60]) func valuesOfAnySizeHaveTheSameBlocks(exponent: Int) throws
  {
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    let builder = WideLlama.builder(layers: 1)
    var scaled = builder
    scaled.change(Self.query) { bytes in
      // BF16: the exponent is in the upper byte and the highest bit of the lower one.
      for index in stride(from: 0, to: bytes.count, by: 2) {
        let bits = Int(bytes[index]) | Int(bytes[index + 1]) << 8
        guard bits & 0x7f80 != 0 else { continue }
        let moved = bits + exponent << 7
        (bytes[index], bytes[index + 1]) = (UInt8(moved & 255), UInt8(moved >> 8 & 255))
      }
    }
    var results: [(blocks: [UInt8], scale: Float, row: [Int])] = []
    for (folder, builder) in zip(folders, [builder, scaled]) {
      let plan = try Converting.plan(
        try builder.write("model", in: folder), recipe: Converting.recipe(Self.recipe))
      let rows = try Converting.run(plan, in: folder).rows
      let tensors = try Converting.tensors(folder.path("out.gguf"))
      let scale = try #require(tensors["blk.0.attn_q.scale"])
      #expect(scale.type == "F32" && scale.shape == [1])
      let row = try #require(rows.first { $0.name == "blk.0.attn_q.weight" })
      #expect(row.sums.sqnrDecibels ?? 0 > 18)
      results.append(
        (
          try #require(tensors["blk.0.attn_q.weight"]).bytes,
          try #require(ReferenceDecoder.decode(.f32, scale.bytes)).first ?? 0, row.scaleExponents
        ))
    }
    #expect(results[0].blocks == results[1].blocks)
    #expect(
      results[1].scale == Float(sign: .plus, exponent: exponent, significand: results[0].scale))
    #expect(results[1].row == [results[0].row[0] + exponent])
  }

  @Test func anExpertOfDeepSeekHasNone() throws {
    let plan = try Converting.plan(testData: "tiny-v4/upstream", recipe: "nvfp4")
    let experts = plan.tensors.filter { $0.role == .routedExpert }
    #expect(experts.allSatisfy { $0.format == .nvfp4 && $0.scaleExponents.isEmpty })
    #expect(plan.tensors.filter { $0.role == .weightScale }.count == 1)
  }
}
