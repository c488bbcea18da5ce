import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct RopeScalingTests {
  @Test func dynamicScalingHasNoKeysAndSaysSo() throws {
    let dynamic = try scaling(#"{"rope_scaling": {"type": "dynamic", "factor": 2.0}}"#)
    #expect(dynamic.keyValues(architecture: "llama").isEmpty)
    #expect(dynamic.warning?.contains("dynamic") == true)
    #expect(try scaling("{}").warning == nil)
  }

  private static let all = ["linear", "yarn", "llama3"]

  private func scaling(_ config: String, allowed: [String] = all) throws -> RopeScaling {
    let object = try #require(try JSONValue(parsing: Array(config.utf8)).object)
    return try RopeScaling(config: object, allowed: allowed, file: "config.json")
  }

  private func shown(_ scaling: RopeScaling, _ architecture: String = "llama") -> [String] {
    scaling.keyValues(architecture: architecture).map { entry in
      switch entry.value {
      case .string(let text): "\(entry.key)=\(text.text)"
      case .float32(let value): "\(entry.key)=\(value)"
      case .uint32(let value): "\(entry.key)=\(value)"
      default: entry.key
      }
    }
  }

  /// The golden factors are numpy's, from the rule over frequencies; one last place is the
  /// difference of two orders of operations in float64.
  @Test func llama3FactorsEqualAnIndependentComputation() throws {
    let bytes = try Data(contentsOf: TestData.url("rope/llama3_factors.json"))
    let rows = try #require(try JSONValue(parsing: [UInt8](bytes)).array).compactMap(\.object)
    #expect(rows.count == 4)
    for row in rows {
      let number = { (key: String) in row[key]?.real ?? 0 }
      let factors = try scaling(
        """
        {"rope_scaling": {"rope_type": "llama3", "factor": \(number("factor")),
          "low_freq_factor": \(number("low")), "high_freq_factor": \(number("high")),
          "original_max_position_embeddings": \(Int(number("original")))}}
        """
      ).llama3Factors(theta: number("theta"), headDimension: row["headDimension"]?.integer ?? 0)
      let golden = (row["bits"]?.array ?? []).compactMap(\.integer)
      #expect(factors.count == golden.count)
      for (factor, bits) in zip(factors, golden) {
        #expect(abs(Int(factor.bitPattern) - bits) <= 1, "\(factor)")
      }
    }
  }

  @Test(arguments: [
    "{}", #"{"rope_scaling": null}"#, #"{"rope_parameters": {"rope_type": "default"}}"#,
    #"{"rope_parameters": {"rope_theta": 5e5}}"#,
  ])
  func noScalingWritesNoKeys(config: String) throws {
    #expect(try scaling(config).kind == .none)
    #expect(try shown(scaling(config)).isEmpty)
  }

  @Test func yarnAndLinearWriteWhatTheConfigStates() throws {
    #expect(
      try shown(scaling(#"{"rope_scaling": {"type": "linear", "factor": 4}}"#)) == [
        "llama.rope.scaling.type=linear", "llama.rope.scaling.factor=4.0",
      ])
    let yarn = """
      {"rope_parameters": {"rope_type": "yarn", "factor": 16, "beta_fast": 32, "beta_slow": 1,
        "original_max_position_embeddings": 65536, "attention_factor": 1.0}}
      """
    let prefix = "rope.scaling."
    #expect(
      try shown(scaling(yarn), "qwen2").map { $0.replacing("qwen2." + prefix, with: "") } == [
        "type=yarn", "factor=16.0", "original_context_length=65536", "yarn_attn_factor=1.0",
        "yarn_beta_fast=32.0", "yarn_beta_slow=1.0",
      ])
    // transformers writes DeepSeek-V4's factor of 1 out; llama.cpp's converter never sees it.
    #expect(
      try !shown(scaling(yarn), "deepseek4").contains { $0.contains("attn_factor") })
  }

  @Test func compressedAttentionsScalingWins() throws {
    let config = """
      {"rope_parameters": {"main": {"rope_type": "default"},
        "compress": {"rope_type": "yarn", "factor": 16}}}
      """
    #expect(try scaling(config, allowed: ["yarn"]).kind == .yarn)
  }

  @Test(arguments: [
    #"{"rope_scaling": {"type": "warp9", "factor": 2}}"#,
    #"{"rope_scaling": {"type": "longrope", "factor": 2}}"#,
    #"{"rope_scaling": {"type": "llama3", "factor": 2}}"#,
  ])
  func aTypeThatTheRuntimeWouldNotApplyIsRefused(config: String) {
    #expect(throws: InputProblem.self) { try scaling(config, allowed: ["yarn"]) }
  }

  @Test(arguments: ["0", "-1", "\"8\"", "null"])
  func aFactorThatIsNoPositiveNumberIsRefused(factor: String) {
    #expect(throws: InputProblem.self) {
      try scaling(#"{"rope_scaling": {"type": "linear", "factor": \#(factor)}}"#)
    }
  }
}
