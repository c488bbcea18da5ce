import Foundation
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What a runtime could not load is refused at the plan, for the runtime's reason.
struct RuntimeRefusalTests {
  private static func rules(_ rules: (match: String, type: String)...) -> String {
    "{rules: [" + rules.map { #"{match: "\#($0.match)", type: "\#($0.type)"}, "# }.joined() + "]}"
  }

  private func refusal(
    family: String, _ match: String, _ type: String, to target: ConversionTarget = .ascend
  ) throws -> String {
    try Folders.refusal(
      CheckpointBuilder(family: family), Self.rules((match, type)), to: target)
  }

  // MARK: Shapes

  @Test func anOddNumberOfRowsCannotBePackedInPairs() throws {
    let text = try Folders.refusal(
      Folders.experts(of: "qwen3-moe", intermediate: 63),
      Self.rules(("*.experts.*.up_proj.weight", "w4a8_dynamic")))
    #expect(text.contains("experts.0.up_proj.weight") && text.contains("63 rows"), "\(text)")
    #expect(text.contains("must be even"), "\(text)")
  }

  @Test("sums of more products than 32 bits hold are refused", arguments: [132_104, 132_105])
  func widths(columns: Int) throws {
    let stories = TestData.url("stories260K/f32").path
    let checkpoint = try Checkpoint.open(stories, environment: [:])
    let map = RuntimeMap.withoutTable(checkpoint)
    let module = try #require(map.tensors.compactMap(\.module).first)
    for word in ["w8a8_dynamic", "w8a8_static"] {
      let format = try #require(IntegerFormat(word, for: .ascend))
      let problem = RuntimeLimits.problem(format, module, [2, columns])
      #expect(problem?.contains("132104") == (columns == 132_104 ? nil : true))
    }
  }

  @Test func rowsThatAreCutAmongDevicesMustHaveSixteenEqualRuns() throws {
    let text = try Folders.refusal(
      Folders.experts(of: "qwen3-moe", intermediate: 72),
      Self.rules(("*.experts.*.down_proj.weight", "w4a8_dynamic")))
    #expect(text.contains("experts.0.down_proj.weight") && text.contains("rows of 72"), "\(text)")
    #expect(text.contains("scale_bias") && text.contains("multiple of 16"), "\(text)")
  }

  @Test(arguments: ["w4a16_g32", "w8a16_g32", "w4a16_g64", "w8a16_g128"])
  func groupsMustDivideRows(type: String) throws {
    let text = try Folders.refusal(
      CheckpointBuilder(reading: TestData.url("stories260K/f32")),
      Self.rules(("*.down_proj.weight", type)), to: .compressedTensors)
    #expect(text.contains("down_proj.weight: rows of 172"), "\(text)")
  }

  @Test func integersAreForMatricesOfModules() throws {
    for match in ["*.input_layernorm.weight", "model.embed_tokens.weight"] {
      let text = try refusal(family: "llama", match, "w8a8_dynamic")
      #expect(text.contains("linear layers and experts"), "\(text)")
    }
  }

  // MARK: Types

  @Test(arguments: [
    ("qwen3", "role:feed-forward", "w4a8_dynamic", "only for routed experts"),
    ("qwen3-moe", "role:attention", "w4a8_dynamic", "only for routed experts"),
    ("qwen3-moe", "role:routed-expert", "w8a16", "no W8A16 for routed experts"),
    ("qwen3-moe", "role:routed-expert", "w8a8_static", "no static W8A8 for routed experts"),
    ("deepseek-v3", "*.kv_b_proj.weight", "w8a8_dynamic", "latent attention"),
  ])
  func aTypeThatTheRuntimeDoesNotHaveIsRefused(
    family: String, match: String, type: String, reason: String
  ) throws {
    let text = try refusal(family: family, match, type)
    #expect(text.contains(reason), "\(text)")
  }

  @Test(arguments: ["*.attn.wo_a.weight", "*.compressor.wkv.weight", "mtp.0.e_proj.weight"])
  func whatDeepSeekV4ReadsAsNumbersStaysFloat(match: String) throws {
    let text = try Folders.refusal(
      CheckpointBuilder(reading: TestData.url("tiny-v4/upstream")),
      Self.rules((match, "w8a8_dynamic")))
    #expect(text.contains("w8a8_dynamic is asked for, but"), "\(text)")
  }

  @Test(arguments: [
    ("llama", "*.q_proj.weight", "qkv_proj"), ("qwen3", "*.v_proj.weight", "qkv_proj"),
    ("llama", "*.up_proj.weight", "gate_up_proj"),
    ("qwen3-moe", "*.experts.1.*", "experts"),
    ("qwen3-moe", "*.experts.*.up_proj.weight", "experts"),
  ])
  func membersOfAFusedModuleMustHaveOneType(family: String, match: String, module: String) throws {
    let text = try refusal(family: family, match, "w8a8_dynamic")
    #expect(text.contains(".\(module) of both"), "\(text)")
    let other = try refusal(family: family, match, "w8a8", to: .compressedTensors)
    #expect(other.contains(".\(module) of both"), "\(other)")
  }

  @Test func twoIntegerTypesInOneModuleAreRefusedToo() throws {
    let text = try Folders.refusal(
      CheckpointBuilder(family: "qwen3-moe"),
      Self.rules(("*.experts.0.*", "w4a8_dynamic"), ("*.experts.*", "w8a8_dynamic")))
    #expect(text.contains("w4a8_dynamic") && text.contains("w8a8_dynamic"), "\(text)")
  }

  @Test func staticTypesNeedCalibration() throws {
    let text = try refusal(family: "llama", "role:attention", "w8a8_static")
    #expect(text.contains("--calibration"), "\(text)")
  }

  @Test func aRelayoutNeedsIntegers() throws {
    let text = try Folders.refusal(
      CheckpointBuilder(family: "llama"), "{rules: []}", options: ConversionOptions(relayout: .nz))
    #expect(text.contains("--relayout nz") && text.contains("float"), "\(text)")
  }

  @Test(arguments: [
    ("w4a8", ConversionTarget.ascend), ("w4a16_g32", .ascend), ("q4_0", .ascend),
    ("w8a8_dynamic", .compressedTensors), ("w4a16_g16", .compressedTensors), ("w8a8", .gguf),
  ])
  func aWordOfAnotherTargetIsRefused(word: String, target: ConversionTarget) throws {
    let text = try refusal(family: "llama", "role:attention", word, to: target)
    #expect(text.contains(word), "\(text)")
    #expect(text != "no error")
  }

  // MARK: Values

  private static let down = "model.layers.0.mlp.down_proj.weight"

  /// A row of tiny weights: its scale would be below the normal numbers.
  @Test(arguments: [
    (ConversionTarget.ascend, "w8a8_dynamic"), (.compressedTensors, "w8a16_g32"),
    (.compressedTensors, "w8a8"),
  ])
  func aRowWhoseScaleNoNumberHoldsIsNamed(target: ConversionTarget, type: String) throws {
    var builder = SmallLlama.builder()
    builder.change(Self.down) { bytes in
      bytes.replaceSubrange(
        4 * 5 * 64..<4 * 6 * 64,
        with: [UInt8](floats: Array(repeating: Float.leastNonzeroMagnitude * 70_000, count: 64)))
    }
    let text = try Folders.refusal(builder, Self.rules((Self.down, type)), to: target)
    #expect(text.contains(Self.down) && text.contains("row 5"), "\(text)")
    #expect(text.contains("BF16"), "\(text)")
  }

  /// The largest weights have a scale, but rounding it up may not push their values to infinity.
  @Test(arguments: [Float.greatestFiniteMagnitude, -3.4e38, 1e38])
  func theLargestWeightsStayFiniteOrAreRefused(value: Float) throws {
    let builder = SmallLlama.builder(Self.down, row: 5, column: 40, value: value)
    do {
      let (output, certificate) = try Folders.convert(
        builder, Self.rules((Self.down, "w8a8_dynamic")))
      let row = try #require(certificate.rows.first { $0.name == Self.down })
      #expect(row.sums.noise.isFinite)
      let values = try output.values(
        String(Self.down.dropLast(7)), rows: 32, columns: 64, type: "w8a8_dynamic")
      #expect(values.allSatisfy { $0.isFinite })
    } catch let error as ConversionError {
      #expect(error.description.contains("row 5"), "\(error)")
    }
  }

  @Test func aWeightThatIsNotFiniteInTheLastTensorLeavesNothing() throws {
    let name = "model.layers.0.mlp.down_proj.weight"
    let text = try Folders.refusal(
      SmallLlama.builder(name, row: 3, column: 7, value: .nan), "w8a8")
    #expect(text.contains(name) && text.contains("row 3, column 7"), "\(text)")
  }
}
