import QuernContainers
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

/// The mixes of llama.cpp: what its own llama-quantize made of a Llama of five layers, untied.
struct MixTests {
  private func plan(_ recipe: String, layers: Int = 5, isTied: Bool = false) throws
    -> ConversionPlan
  {
    let folder = try TemporaryFolder()
    return try Converting.plan(
      try WideLlama.builder(layers: layers, isTied: isTied).write("model", in: folder),
      recipe: try Recipe.load(recipe, target: .gguf))
  }

  private func formats(_ plan: ConversionPlan) -> [String: NumberFormat] {
    let matrices = plan.tensors.filter { $0.shape.rank > 1 }
    return Dictionary(
      uniqueKeysWithValues: matrices.map { (String($0.name.dropLast(7)), $0.format) })
  }

  struct Mix: CustomTestStringConvertible {
    let recipe: String
    let fileType: UInt32
    let base: NumberFormat
    let others: [String: NumberFormat]
    var testDescription: String { recipe }
  }

  static let mixes = [
    Mix(
      recipe: "q4_k_m", fileType: 15, base: .q4_k,
      others: [
        "output": .q6_k, "blk.2.attn_v": .q6_k, "blk.2.ffn_down": .q6_k, "blk.4.attn_v": .q6_k,
        "blk.4.ffn_down": .q6_k,
      ]),
    Mix(
      recipe: "q4_k_s", fileType: 14, base: .q4_k,
      others: [
        "output": .q6_k, "blk.0.attn_v": .q5_k, "blk.1.attn_v": .q5_k, "blk.2.attn_v": .q5_k,
        "blk.3.attn_v": .q5_k,
      ]),
    Mix(
      recipe: "q5_k_m", fileType: 17, base: .q5_k,
      others: [
        "output": .q6_k, "blk.2.attn_v": .q6_k, "blk.2.ffn_down": .q6_k, "blk.4.attn_v": .q6_k,
        "blk.4.ffn_down": .q6_k,
      ]),
    Mix(recipe: "q6_k", fileType: 18, base: .q6_k, others: [:]),
    Mix(recipe: "iq4_xs", fileType: 30, base: .iq4_xs, others: ["output": .q6_k]),
    Mix(recipe: "iq4_nl", fileType: 25, base: .iq4_nl, others: ["output": .q6_k]),
  ]

  @Test(arguments: mixes) func everyTensorHasTheTypeThatLlamaQuantizeGivesIt(mix: Mix) throws {
    let plan = try plan(mix.recipe)
    for (name, format) in formats(plan) {
      #expect(format == mix.others[name] ?? mix.base, "\(name)")
    }
    #expect(plan.files[0].keyValues.contains(.init("general.file_type", .uint32(mix.fileType))))
  }

  @Test func aTiedHeadHasTheTypeOfAHead() throws {
    #expect(try formats(plan("q4_k_m", isTied: true))["token_embd"] == .q6_k)
    #expect(try formats(plan("q4_k_m", isTied: false))["token_embd"] == .q4_k)
  }

  /// i < n/8, i ≥ 7n/8, or every third from n/8 + 2 on.
  @Test(arguments: [
    (1, [0]), (5, [2, 4]), (16, [0, 1, 4, 7, 10, 13, 14, 15]),
    (32, [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]),
  ])
  func moreBitsAreForTheFirstTheLastAndEveryThirdLayer(count: Int, expected: [Int]) {
    let chosen = (0..<count).filter {
      Recipe.LayerSelection.moreBits.contains(layer: $0, of: count)
    }
    #expect(chosen == expected)
  }

  @Test func theFirstEighthIsRoundedDown() throws {
    let down = try formats(plan("q4_k_s", layers: 9))
    #expect(down["blk.0.ffn_down"] == .q5_k && down["blk.1.ffn_down"] == .q4_k)
    #expect(down["blk.0.ffn_up"] == .q4_k && down["blk.4.attn_v"] == .q4_k)
  }

  @Test func whatBelongsToNoLayerIsInNone() throws {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(
      try WideLlama.builder(layers: 1).write("model", in: folder),
      recipe: Converting.recipe(#"{rules: [{match: "*", type: "f16", layers: "more-bits"}]}"#))
    let f16 = plan.tensors.filter { $0.format == .f16 }.map(\.name)
    #expect(f16.allSatisfy { $0.hasPrefix("blk.0.") } && !f16.isEmpty)
  }

  @Test(arguments: [
    ("q4_k", 64, NumberFormat.q5_0), ("q5_k", 96, .q5_1), ("q6_k", 32, .q8_0),
    ("iq4_xs", 224, .iq4_nl), ("q4_k", 48, .f16), ("q6_k", 172, .f16), ("q5_1", 48, .f16),
    ("nvfp4", 96, .f16), ("q4_k", 512, .q4_k),
  ])
  func rowsThatBlocksDoNotDivideGetTheFallbackOfLlamaCpp(
    word: String, rowLength: Int, expected: NumberFormat
  ) throws {
    let format = try #require(NumberFormat(rawValue: word))
    #expect(format.fallback(rowLength: rowLength) == expected)
  }

  @Test func aFallbackIsShownInThePlan() throws {
    let plan = try Converting.plan(testData: "stories260K/f32", recipe: "q4_k_m")
    let down = plan.tensors.filter { $0.name.hasSuffix("ffn_down.weight") }
    #expect(down.allSatisfy { $0.format == .f16 && $0.fallbackFrom != nil })
    let query = plan.tensors.filter { $0.name.hasSuffix("attn_q.weight") }
    #expect(query.allSatisfy { $0.format == .q5_0 && $0.fallbackFrom == .q4_k })
  }
}
