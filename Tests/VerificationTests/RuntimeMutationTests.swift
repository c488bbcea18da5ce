import CKernels
import Foundation
import QuernCheckpoints
import QuernConversion
import QuernQuantization
import QuernTestSupport
import QuernVerification
import Testing

/// Breaks one thing at a time in the conversion for a runtime. Its certificate measures honestly what a
/// broken conversion wrote: the verdict must be no all the same, with it and without.
@Suite struct RuntimeMutationTests {
  typealias Mutation = @Sendable (inout ConversionPlan) throws -> Void

  static let plans: [(name: String, tensor: String, mutation: Mutation)] = [
    (
      "gate and up exchanged", "layers.0.ffn.experts.0.w1.weight",
      { try exchange(&$0, "layers.0.ffn.experts.0.w1.weight", "layers.0.ffn.experts.0.w3.weight") }
    ),
    (
      "two experts exchanged", "layers.1.ffn.experts.2.w2.weight",
      { try exchange(&$0, "layers.1.ffn.experts.2.w2.weight", "layers.1.ffn.experts.5.w2.weight") }
    ),
    (
      "another layer's projection", "layers.2.attn.wkv.weight",
      { try exchange(&$0, "layers.2.attn.wkv.weight", "layers.3.attn.wkv.weight") }
    ),
    (
      "another layer's norm", "layers.0.ffn_norm.weight",
      { try exchange(&$0, "layers.0.ffn_norm.weight", "layers.1.ffn_norm.weight") }
    ),
    (
      "another expert's scales", "layers.0.ffn.experts.0.w1.weight",
      { plan in
        let names = [0, 1].map { "layers.0.ffn.experts.\($0).w1.weight" }
        let sources = try names.map { name in
          try #require(plan.checkpoint.tensors.firstIndex { $0.name.text == name })
        }
        let scale = plan.checkpoint.tensors[sources[0]].scale
        plan.checkpoint.tensors[sources[0]].scale = plan.checkpoint.tensors[sources[1]].scale
        plan.checkpoint.tensors[sources[1]].scale = scale
      }
    ),
  ]

  private static func exchange(_ plan: inout ConversionPlan, _ first: String, _ second: String)
    throws
  {
    let indices = try [first, second].map { name in
      try #require(plan.tensors.firstIndex { $0.name == name })
    }
    let expression = plan.tensors[indices[0]].expression
    plan.tensors[indices[0]].expression = plan.tensors[indices[1]].expression
    plan.tensors[indices[1]].expression = expression
  }

  @Test(arguments: plans.indices, ["w8a8", "w4a8"])
  func aBrokenPlanIsSeen(_ index: Int, _ recipe: String) throws {
    let (name, tensor, mutation) = Self.plans[index]
    let output = try ConvertedFolder(.upstream, recipe, mutate: mutation)
    #expect(
      try output.verify().failures.contains { $0.tensor == tensor }, "\(name), certified")
    _ = try output.withoutCertificate()
    #expect(
      try output.verify().failures.contains { $0.tensor == tensor }, "\(name), measured")
  }

  // MARK: Kernels

  static let kernels:
    [(name: String, recipe: String, breakIt: @Sendable (inout quern_kernels) -> Void)] = [
      (
        "absmax, one code off", "absmax",
        {
          $0.integers_by_absmax = { layout, values, planes, count in
            RowKernels.scalar.kernels.integers_by_absmax(layout, values, planes, count)
            if count > 40, let codes = planes.codes { codes[40] = codes[40] < 0 ? 3 : -3 }
          }
        }
      ),
      (
        "absmax, the next scale", "absmax",
        {
          $0.integers_by_absmax = { layout, values, planes, count in
            RowKernels.scalar.kernels.integers_by_absmax(layout, values, planes, count)
            if let scales = planes.scales {
              scales[0] = Float(bitPattern: scales[0].bitPattern + 0x10000)
            }
          }
        }
      ),
      (
        "optimal, which is only absmax of half the range", "optimal",
        {
          $0.integers_optimally = { layout, values, weights, planes, count in
            let halves = (0..<count).map { (values?[$0] ?? 0) / 2 }
            RowKernels.scalar.kernels.integers_by_absmax(layout, halves, planes, count)
          }
        }
      ),
      (
        "FP8 decoder, every value doubled", "absmax",
        {
          $0.f32_from_fp8 = { codes, table, scales, block, out, count in
            RowKernels.scalar.kernels.f32_from_fp8(codes, table, scales, block, out, count)
            for index in 0..<count { out?[index] *= 2 }
          }
        }
      ),
    ]

  @Test(arguments: kernels.indices)
  func aBrokenKernelIsSeen(_ index: Int) throws {
    let (name, method, breakIt) = Self.kernels[index]
    let text = """
      {rules: [{match: "*attn.wq_b.weight", type: "w8a8_dynamic", method: "\(method)"}]}
      """
    let recipe = try Recipe.parse(Array(text.utf8), name: "only.json5", target: .ascend)
    let sound = try ConvertedFolder(.upstream, recipe: recipe, kernels: .scalar)
    #expect(try sound.verify().failures == [], "\(name), not broken")
    var kernels = RowKernels.scalar
    breakIt(&kernels.kernels)
    let report = try ConvertedFolder(.upstream, recipe: recipe, kernels: kernels).verify()
    #expect(
      report.failures.contains { $0.tensor?.contains("wq_b") ?? false },
      "\(name): \(report.failures.prefix(2))")
  }
}
