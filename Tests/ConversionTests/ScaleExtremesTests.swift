import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// E8M0 scales at both ends of their range, in the tiny DeepSeek-V4.
struct ScaleExtremesTests {
  private static let expert = "layers.3.ffn.experts.5.w2"
  private static let matrix = "layers.3.attn.wo_b"

  private func convert(
    _ recipe: String, options: ConversionOptions = ConversionOptions(draft: .drop),
    _ change: (inout CheckpointBuilder) -> Void
  ) throws -> (rows: [String: String], zeroed: Int) {
    let (source, output) = (try TemporaryFolder(), try TemporaryFolder())
    var builder = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    change(&builder)
    do {
      let plan = try Converting.plan(
        try builder.write("model", in: source), recipe: Recipe.load(recipe, target: .gguf),
        options: options)
      let rows = try Converting.run(plan, in: output).rows
      return (
        Dictionary(
          uniqueKeysWithValues: rows.map { ($0.name, "\($0.type) \($0.classification)") }),
        rows.reduce(0) { $0 + $1.counts.zeroedNonFinite }
      )
    } catch {
      #expect(try output.names().isEmpty)
      throw error
    }
  }

  private func message(_ recipe: String, _ change: (inout CheckpointBuilder) -> Void) -> String {
    do {
      _ = try convert(recipe, change)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func theSmallestAndTheLargestScaleAreKeptExactly() throws {
    let rows = try convert("source") { builder in
      builder.change(Self.expert + ".scale") { ($0[0], $0[1]) = (0, 254) }
      // Codes up to 1½ in the second block of the first row: 2 × 2^127 is no float32.
      builder.change(Self.expert + ".weight") { bytes in
        for index in 16..<32 { bytes[index] &= 0x33 }
      }
      builder.change(Self.matrix + ".scale") { ($0[0], $0[1]) = (0, 254) }
      // E4M3 codes with an exponent field of at most 7: below 2 × 2^127.
      builder.change(Self.matrix + ".weight") { bytes in
        for index in bytes.indices { bytes[index] &= 0xbf }
      }
    }.rows
    #expect(rows["blk.3.ffn_down_exps.weight"] == "mxfp4 exact")
    #expect(rows["blk.3.attn_output_b.weight"] == "f32 exact")
  }

  @Test(arguments: ["source", "q8_0", "q4_0"])
  func aCodeThatItsScaleMakesInfiniteIsRefused(recipe: String) {
    let text = message(recipe) { builder in
      builder.change(Self.expert + ".scale") { $0[4 * 3 + 1] = 254 }
      builder.change(Self.expert + ".weight") { $0[64 * 3 + 16] = 0x71 }
    }
    #expect(text.contains(Self.expert + ".weight"), "\(text)")
    #expect(text.contains("row 3, column 33"), "\(text)")
  }

  @Test(arguments: ["source", "q8_0", "q4_0"])
  func infiniteCodesBecomeZerosOnRequest(recipe: String) throws {
    let result = try convert(recipe, options: ConversionOptions(draft: .drop, nonFinite: .zero)) {
      $0.change(Self.expert + ".scale") { $0[13] = 254 }
      $0.change(Self.expert + ".weight") { bytes in
        for index in 208..<224 { bytes[index] = 0 }
        bytes[208] = 0x70
      }
    }
    #expect(result.zeroed == 1)
    #expect(result.rows["blk.3.ffn_down_exps.weight"]?.hasSuffix("measured") ?? false)
  }

  @Test func aNaNScaleIsNamedBeforeTheFirstByte() {
    let text = message("source") { $0.change(Self.expert + ".scale") { $0[9] = 255 } }
    #expect(text.contains(Self.expert + ".scale") && text.contains("element 9"), "\(text)")
  }

  @Test func int8OfAScaleBeyondF16IsRefusedOrNotExactButNeverInfinite() throws {
    let small = try convert("q8_0") { $0.change(Self.expert + ".scale") { $0[0] = 60 } }.rows
    #expect(small["blk.3.ffn_down_exps.weight"] == "q8_0 measured")
    let large = message("q8_0") { builder in
      builder.change(Self.expert + ".scale") { $0[0] = 200 }
      builder.change(Self.expert + ".weight") { $0[0] = 0x77 }
    }
    #expect(large.contains(Self.expert) && large.contains("row 0"), "\(large)")
  }
}
