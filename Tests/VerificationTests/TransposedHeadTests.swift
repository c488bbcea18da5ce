import QuernCheckpoints
import QuernConversion
import QuernTestSupport
import QuernVerification
import Testing

/// DeepSeek-V3's projection, whose heads are split and transposed on the way: verified from the source
/// by a path of its own.
@Suite struct TransposedHeadTests {
  private func output(
    _ recipe: String, _ mutate: (inout ConversionPlan) throws -> Void = { _ in }
  ) throws -> ConvertedOutput {
    let path = TestData.url("families/deepseek-v3-fp8").path
    return try ConvertedOutput(
      Checkpoint.open(path, environment: [:]), recipe: .load(recipe, target: .gguf),
      mutate: mutate)
  }

  @Test(arguments: ["source", "q8_0", "q4_0", "q4_k_m", "nvfp4"])
  func aSoundOutputPasses(_ recipe: String) throws {
    #expect(try output(recipe).verify().failures == [])
  }

  private static let mutations: [(String, @Sendable (TensorExpression) -> TensorExpression?)] = [
    (
      "heads swapped",
      { expression in
        guard case .transpose(let parts) = expression else { return nil }
        return .transpose(parts.reversed())
      }
    ),
    (
      "a row further on",
      { expression in
        guard case .transpose(let parts) = expression else { return nil }
        return .transpose(
          parts.map {
            SourceRows(tensor: $0.tensor, firstRow: $0.firstRow + 1, rowCount: $0.rowCount)
          })
      }
    ),
  ]

  @Test(arguments: mutations.indices, ["source", "q8_0"])
  func aWrongTranspositionIsSeen(_ index: Int, _ recipe: String) throws {
    let (what, mutation) = Self.mutations[index]
    let name = "blk.1.attn_k_b.weight"
    let report = try output(recipe) { plan in
      let tensor = try #require(plan.tensors.firstIndex { $0.name == name })
      plan.tensors[tensor].expression = try #require(mutation(plan.tensors[tensor].expression))
    }.verify()
    #expect(report.failures.contains { $0.tensor == name }, "\(what)")
  }

  @Test(arguments: ["blk.0.attn_k_b.weight", "blk.1.attn_v_b.weight"])
  func aFlippedBitIsSeen(_ name: String) throws {
    let output = try output("source")
    let row = try #require(output.certificate.rows.first { $0.name == name })
    for place in [0, row.byteCount / 2, row.byteCount - 1] {
      let report = try output.withByteFlipped(at: row.offset + place, bit: 3, of: "out.gguf") {
        try output.verify()
      }
      #expect(report.failures.contains { $0.tensor == name }, "byte \(place)")
    }
  }
}
