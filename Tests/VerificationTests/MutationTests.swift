import CKernels
import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors
import QuernTestSupport
import QuernVerification
import Testing

/// Breaks one thing at a time in the conversion; each time the verdict must be no, and must name the
/// tensor. The plan's hash stays that of the sound plan: values alone have to show it.
@Suite struct MutationTests {
  @Test(arguments: BrokenKernel.all.indices)
  func aBrokenKernelIsSeen(_ index: Int) throws {
    let broken = BrokenKernel.all[index]
    let sound = try ConvertedOutput(
      broken.model, recipe: try broken.recipe, kernels: .scalar)
    #expect(try sound.verify().failures == [], "\(broken.name), not broken")
    let output = try ConvertedOutput(
      broken.model, recipe: try broken.recipe, kernels: broken.kernels)
    let report = try output.verify()
    #expect(!report.isPassed, "\(broken.name)")
    #expect(report.failures.contains { $0.tensor != nil }, "\(broken.name)")
  }

  // MARK: Plans

  typealias Mutation = @Sendable (inout ConversionPlan) throws -> Void

  static let plans: [(String, Model, Mutation)] = [
    (
      "a permutation dropped", .stories,
      { plan in
        try mutate(&plan, "blk.0.attn_q.weight") {
          guard case .permuteHeads(let rows, _) = $0 else { return nil }
          return .copy(rows)
        }
      }
    ),
    (
      "a permutation of other heads", .stories,
      { plan in
        try mutate(&plan, "blk.0.attn_k.weight") {
          guard case .permuteHeads(let rows, let headRows) = $0 else { return nil }
          return .permuteHeads(rows, headRows: headRows * 2)
        }
      }
    ),
    (
      "a permutation too many", .stories,
      { plan in
        try mutate(&plan, "blk.0.attn_v.weight") {
          guard case .copy(let rows) = $0 else { return nil }
          return .permuteHeads(rows, headRows: 8)
        }
      }
    ),
    (
      "two experts swapped", .upstream,
      { plan in
        try mutate(&plan, "blk.0.ffn_up_exps.weight") {
          guard case .stack(var parts) = $0 else { return nil }
          parts.swapAt(2, 5)
          return .stack(parts)
        }
      }
    ),
    (
      "experts of another layer", .upstream,
      { plan in
        let other = plan.tensors.first { $0.name == "blk.1.ffn_up_exps.weight" }?.expression
        try mutate(&plan, "blk.0.ffn_up_exps.weight") { _ in other }
      }
    ),
    (
      "gate and up swapped", .upstream,
      { plan in
        let other = plan.tensors.first { $0.name == "blk.0.ffn_up_exps.weight" }?.expression
        try mutate(&plan, "blk.0.ffn_gate_exps.weight") { _ in other }
      }
    ),
    (
      "joined columns swapped", .upstream,
      { plan in
        let index = try #require(
          plan.tensors.firstIndex {
            if case .concatenateColumns = $0.expression { true } else { false }
          })
        try mutate(&plan, plan.tensors[index].name) {
          .concatenateColumns($0.sources.reversed())
        }
      }
    ),
    (
      "another layer's routing table", .upstream,
      { plan in
        let tables = plan.tensors.filter { $0.format == .i32 }
        try #require(tables.count > 1)
        try mutate(&plan, tables[0].name) { _ in tables[1].expression }
      }
    ),
    (
      "another expert's scales", .upstream,
      { plan in
        let experts = try #require(
          plan.tensors.first { $0.name == "blk.0.ffn_up_exps.weight" }?.expression.sources)
        let (first, second) = (experts[0].tensor, experts[1].tensor)
        let scale = plan.checkpoint.tensors[first].scale
        plan.checkpoint.tensors[first].scale = plan.checkpoint.tensors[second].scale
        plan.checkpoint.tensors[second].scale = scale
      }
    ),
  ]

  private static func mutate(
    _ plan: inout ConversionPlan, _ name: String,
    _ change: (TensorExpression) -> TensorExpression?
  ) throws {
    let index = try #require(plan.tensors.firstIndex { $0.name == name })
    plan.tensors[index].expression = try #require(change(plan.tensors[index].expression))
  }

  @Test(arguments: plans.indices, ["source", "q8_0", "q4_0"])
  func aBrokenPlanIsSeen(_ index: Int, _ recipe: String) throws {
    let (name, model, mutation) = Self.plans[index]
    let output = try ConvertedOutput(
      model, recipe: try Recipe.load(recipe, target: .gguf), mutate: mutation)
    let report = try output.verify()
    let figures = ["noise", "unequal", "exactness", "row "]
    #expect(
      report.failures.contains { failure in
        failure.tensor != nil && figures.contains { failure.what.hasPrefix($0) }
      }, "\(name): \(report.failures)")
    // Without a certificate the size of the error tells.
    try FileManager.default.removeItem(atPath: output.certificatePath)
    let measured = try output.certificate.files.map { try output.verify(file: $0.name) }
    #expect(measured.contains { !$0.isPassed }, "\(name), measured")
  }

  // MARK: Sources

  @Test(arguments: ["source", "q8_0"])
  func anEncoderThatSeesAnotherNibbleIsNotExact(_ recipe: String) throws {
    var kernels = RowKernels.scalar
    kernels.kernels.mxfp4.from_e2m1 = { packed, scales, weights, blocks, count in
      var copy = Array(UnsafeBufferPointer(start: packed, count: count / 2))
      copy[0] ^= 1
      RowKernels.scalar.kernels.mxfp4.from_e2m1(&copy, scales, weights, blocks, count)
    }
    kernels.kernels.q8_0.from_e2m1 = { packed, scales, weights, blocks, count in
      var copy = Array(UnsafeBufferPointer(start: packed, count: count / 2))
      copy[0] ^= 1
      RowKernels.scalar.kernels.q8_0.from_e2m1(&copy, scales, weights, blocks, count)
    }
    let output = try ConvertedOutput(
      .upstream, recipe: try Recipe.load(recipe, target: .gguf), kernels: kernels)
    let experts = output.certificate.rows.filter { $0.role == "routed-expert" }
    #expect(!experts.isEmpty && experts.allSatisfy { $0.classification == .measured })
    #expect(try !output.verify().isPassed)
  }

  @Test(arguments: ["source", "q8_0", "q4_0"])
  func aSourceWithAnotherNibbleIsNotTheSource(_ recipe: String) throws {
    let output = try ConvertedOutput(.upstream, recipe)
    let copy = try TemporaryFolder()
    let folder = copy.url.appending(path: "upstream")
    try FileManager.default.copyItem(at: TestData.url(Model.upstream.rawValue), to: folder)
    let checkpoint = try Checkpoint.open(folder.path, environment: [:])
    #expect(
      try Verification.run(output: output.path, against: checkpoint).isPassed, "an equal copy")
    let expert = try #require(
      checkpoint.tensors.first { $0.name.text.hasSuffix("layers.0.ffn.experts.3.w1.weight") })
    let shard = folder.appending(path: checkpoint.files[expert.codes.file].name)
    var bytes = try Data(contentsOf: shard)
    bytes[expert.codes.range.offset + 77] ^= 2
    try bytes.write(to: shard)
    let report = try Verification.run(output: output.path, against: checkpoint)
    let failed = report.rows.filter { $0.status == .failed }
    #expect(failed.map(\.name) == ["blk.0.ffn_gate_exps.weight"])
    #expect(failed.first?.classification != .exact)
  }

  /// 4 · 2^(253 − 127) is no float32. It must not end as an infinite sum in a certificate.
  @Test(arguments: ["source", "q8_0", "q4_0"])
  func aScaleThatMakesAWeightInfiniteIsRefused(_ recipe: String) throws {
    let copy = try TemporaryFolder()
    let folder = copy.url.appending(path: "upstream")
    try FileManager.default.copyItem(at: TestData.url(Model.upstream.rawValue), to: folder)
    var checkpoint = try Checkpoint.open(folder.path, environment: [:])
    let expert = try #require(
      checkpoint.tensors.first { $0.name.text.hasSuffix("layers.0.ffn.experts.3.w1.weight") })
    let scale = try #require(expert.scale)
    let shard = folder.appending(path: checkpoint.files[scale.file].name)
    var bytes = try Data(contentsOf: shard)
    bytes[scale.range.offset] = 253
    try bytes.write(to: shard)
    checkpoint = try Checkpoint.open(folder.path, environment: [:])
    let plan = try ConversionPlan(
      .gguf,
      of:
        checkpoint, recipe: try Recipe.load(recipe, target: .gguf), options: .init(),
      outputName: "out")
    #expect(throws: ConversionError.self) {
      try Conversion(
        plan, outputPath: copy.path("out.gguf"), threadCount: 1, durable: false
      ).run()
    }
  }
}
