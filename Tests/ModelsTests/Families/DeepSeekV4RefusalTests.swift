import Foundation
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct DeepSeekV4RefusalTests {
  /// The message of the failure to run a few tokens through the changed tiny model.
  private func failure(_ change: (inout CheckpointBuilder) -> Void) throws -> String {
    var builder = try TinyV4.upstream()
    change(&builder)
    let folder = try TemporaryFolder()
    do {
      let run = try Running.run(builder, in: folder)
      _ = try Running.forward(run, TokenBatch([[0, 7, 9]]))
    } catch { return "\(error)" }
    return ""
  }

  @Test func aTableThatNamesAnExpertBeyondTheLayersIsRefused() throws {
    // Three experts for each token, in 8 bytes each.
    let message = try failure { $0.change("layers.1.ffn.gate.tid2eid") { $0[9 * 24 + 8] = 8 } }
    #expect(message.contains("blk.1.ffn_gate_tid2eid.weight"), "\(message)")
    #expect(message.contains("row 9") && message.contains("8"), "\(message)")
  }

  @Test(arguments: [
    ("layers.2.attn.compressor.norm.weight", "blk.2.attn_compressor_norm.weight"),
    ("layers.4.ffn.gate.bias", "blk.4.exp_probs_b.bias"),
    ("layers.0.attn.attn_sink", "blk.0.attn_sinks.weight"),
    ("embed.weight", "token_embd.weight"),
    ("layers.3.attn.compressor.wkv.weight", "blk.3.attn_compressor_kv.weight"),
  ])
  func aValueThatIsNotFiniteIsNamedByItsTensor(_ source: String, _ name: String) throws {
    let message = try failure {
      $0.change(source) { bytes in bytes[..<4] = [0xFF, 0xFF, 0xFF, 0x7F] }
    }
    #expect(message.contains(name), "\(message)")
  }

  @Test(arguments: [1 << 30, 0, 63] as [UInt32])
  func aFileDoesNotAskForATableOfAngles(ofAnySize width: UInt32) throws {
    let key = Array("deepseek4.rope.dimension_count".utf8)
    var bytes = [UInt8](try Data(contentsOf: TestData.url("tiny-v4/llama.cpp.gguf")))
    let place = try #require(Data(bytes).firstRange(of: Data(key))).upperBound
    // The type of the value stands between: four bytes.
    bytes.replaceSubrange(
      place + 4..<place + 8, with: withUnsafeBytes(of: width.littleEndian, Array.init))
    let folder = try TemporaryFolder()
    let path = folder.path("model.gguf")
    try Data(bytes).write(to: URL(filePath: path))
    let error = #expect(throws: ModelError.self) { _ = try Running.run(at: path) }
    let message = "\(try #require(error))"
    #expect(message.contains("rope.dimension_count"), "\(message)")
  }
}
