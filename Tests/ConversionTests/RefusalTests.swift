import Foundation
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Values that cannot be converted, and plans that cannot be made: one error with a place, nothing
/// left behind.
struct RefusalTests {
  private func message(
    _ builder: CheckpointBuilder, recipe: String = "{rules: []}",
    options: ConversionOptions = ConversionOptions(), threads: Int = 2
  ) throws -> String {
    let (source, output) = (try TemporaryFolder(), try TemporaryFolder())
    var text = "no error"
    do {
      let plan = try Converting.plan(
        try builder.write("model", in: source), recipe: Converting.recipe(recipe), options: options)
      try Converting.run(plan, in: output, threads: threads)
    } catch let error as ConversionError { text = error.description }
    if text != "no error" { #expect(try output.names().isEmpty) }
    return text
  }

  private static let down = "model.layers.0.mlp.down_proj.weight"
  private static let query = "model.layers.0.self_attn.q_proj.weight"

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func weightsThatAreNotFiniteAreNamedWithTheirPlace(value: Float) throws {
    let builder = SmallLlama.builder(Self.down, row: 5, column: 40, value: value)
    for recipe in ["{rules: []}", #"{rules: [{match: "*", type: "f16"}]}"#] {
      let text = try message(builder, recipe: recipe)
      #expect(text.contains(Self.down) && text.contains("row 5, column 40"), "\(text)")
    }
    let blocks = try message(builder, recipe: #"{rules: [{match: "*down*", type: "q8_0"}]}"#)
    #expect(blocks.contains("row 5, column 40, block 1"), "\(blocks)")
  }

  /// Row 5 of a head of 8 stands at output row 3: the message must name the source's row.
  @Test func theRowIsThatOfTheSource() throws {
    let text = try message(SmallLlama.builder(Self.query, row: 13, column: 2, value: .nan))
    #expect(text.contains(Self.query) && text.contains("row 13, column 2"), "\(text)")
  }

  @Test func nonFiniteWeightsBecomeCountedZerosOnRequest() throws {
    let (source, output) = (try TemporaryFolder(), try TemporaryFolder())
    let builder = SmallLlama.builder(Self.down, row: 5, column: 40, value: .nan)
    let plan = try Converting.plan(
      try builder.write("model", in: source), recipe: Converting.recipe("{rules: []}"),
      options: ConversionOptions(nonFinite: .zero))
    let certificate = try Converting.run(plan, in: output)
    let row = try #require(certificate.rows.first { $0.name == "blk.0.ffn_down.weight" })
    #expect(row.counts.zeroedNonFinite == 1 && row.classification == .measured)
    #expect(certificate.rows.reduce(0) { $0 + $1.counts.zeroedNonFinite } == 1)
    let tensor = try Converting.tensors(output.path("out.gguf"))["blk.0.ffn_down.weight"]
    let values = try #require(ReferenceDecoder.decode(.f32, tensor?.bytes ?? []))
    #expect(values[5 * 64 + 40] == 0 && values[5 * 64 + 41] != 0)
  }

  @Test(arguments: [
    ("f16", Float(65520), "F16"), ("f16", -1e30, "F16"), ("bf16", 3.4e38, "BF16"),
    ("bf16", -Float.greatestFiniteMagnitude, "BF16"), ("q8_0", 1e30, "block 1"),
    ("q4_0", 1e30, "block 1"),
  ])
  func weightsThatTheFormatCannotHoldAreNamed(type: String, value: Float, what: String) throws {
    let text = try message(
      SmallLlama.builder(Self.down, row: 5, column: 40, value: value),
      recipe: #"{rules: [{match: "*ffn_down*", type: "\#(type)"}]}"#)
    #expect(text.contains(Self.down) && text.contains("row 5"), "\(text)")
    #expect(text.contains("\(value)") && text.contains(what), "\(text)")
  }

  @Test(arguments: [
    ("f16", Float(65504)), ("bf16", 3.38e38), ("mxfp4", Float.greatestFiniteMagnitude),
  ])
  func theLargestValueOfAFormatIsTaken(type: String, value: Float) throws {
    let text = try message(
      SmallLlama.builder(Self.down, row: 5, column: 40, value: value),
      recipe: #"{rules: [{match: "*ffn_down*", type: "\#(type)"}]}"#)
    #expect(text == "no error")
  }

  /// Many broken tensors: the error is that of the first chunk of the plan, whoever finds it.
  @Test func theFirstErrorInPlanOrderIsReportedForAnyThreadCount() throws {
    var builder = SmallLlama.builder()
    for name in builder.tensors.map(\.name) where name.contains("mlp") {
      builder.change(name) { $0.replaceSubrange(0..<4, with: [UInt8](floats: [.nan])) }
    }
    var texts: Set<String> = []
    for threads in [1, 2, 7, 7, 7, 7] {
      texts.insert(
        try message(builder, threads: threads).replacing(#/^.*model.safetensors/#, with: ""))
    }
    #expect(texts.count == 1)
    #expect(texts.first?.contains("gate_proj") ?? false)
  }

  @Test func blocksOnAVectorAreRefused() throws {
    let text = try message(
      SmallLlama.builder(), recipe: #"{rules: [{match: "*_norm.weight", type: "q8_0"}]}"#)
    #expect(text.contains("norm.weight") && text.contains("q8_0"))
  }

  @Test func aRuleThatMatchesNothingIsRefusedAndOneBehindAnotherIsNot() throws {
    let text = try message(
      SmallLlama.builder(), recipe: #"{rules: [{match: "blk.7.*", type: "f32"}]}"#)
    #expect(text.contains("blk.7.*"))
    let source = try message(
      SmallLlama.builder(), recipe: #"{rules: [{match: "source:x*", type: "f32"}]}"#)
    #expect(source.contains("source:x*"))
    let role = try message(
      SmallLlama.builder(), recipe: #"{rules: [{match: "role:router", type: "f32"}]}"#)
    #expect(role.contains("role:router"))
    let hidden = try message(
      SmallLlama.builder(),
      recipe: #"{rules: [{match: "*", type: "f32"}, {match: "*ffn_up*", type: "f16"}]}"#)
    #expect(hidden == "no error")
  }

  @Test func gridAwareNeedsAGrid() throws {
    let text = try message(
      SmallLlama.builder(),
      recipe: #"{rules: [{match: "*ffn_up*", type: "q8_0", method: "grid-aware"}]}"#)
    #expect(text.contains("ffn_up") && text.contains("FP4"))
  }

  @Test func aTableEntryBeyond32BitsIsNamed() throws {
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    builder.change("layers.1.ffn.gate.tid2eid") { $0[8 * (3 * 7 + 1) + 4] = 1 }
    let text = try message(builder)
    #expect(text.contains("layers.1.ffn.gate.tid2eid") && text.contains("row 7"), "\(text)")
  }

  @Test func aCheckpointOfNoTensorsIsRefused() throws {
    var builder = SmallLlama.builder()
    builder.tensors = []
    #expect(try message(builder).contains("embed_tokens"))
  }
}
