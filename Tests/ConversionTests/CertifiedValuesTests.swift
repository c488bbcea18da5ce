import Foundation
import QuernCertificates
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What comes out, beside files of llama.cpp's own converter and beside what the plan expects.
struct CertifiedValuesTests {
  private func convert(_ checkpoint: String, _ recipe: String) throws -> (
    [CertificateRow], [String: StoredGGUFTensor], ConversionPlan
  ) {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(testData: checkpoint, recipe: recipe)
    let certificate = try Converting.run(plan, in: folder)
    return (certificate.rows, try Converting.tensors(folder.path("out.gguf")), plan)
  }

  @Test func everyTensorOfStories260KIsLlamaCppsToTheByte() throws {
    let ours = try convert("stories260K/f32", "source").1
    let theirs = try Converting.tensors(TestData.url("stories260K/llama.cpp-f32.gguf").path)
    #expect(ours == theirs)
  }

  /// llama.cpp makes Q8_0 of the FP8 matrices; everything it does not quantize must be the same.
  @Test func everyTensorOfTinyV4ThatLlamaCppKeepsIsTheSameToTheByte() throws {
    let ours = try convert("tiny-v4/upstream", "source").1
    let theirs = try Converting.tensors(TestData.url("tiny-v4/llama.cpp.gguf").path)
    #expect(Set(ours.keys) == Set(theirs.keys))
    var types: Set<String> = []
    for (name, tensor) in theirs where tensor.type != "Q8_0" {
      #expect(ours[name] == tensor, "\(name)")
      types.insert(tensor.type)
    }
    #expect(types == ["F32", "BF16", "I32", "MXFP4"])
  }

  @Test(arguments: Converting.checkpoints, Converting.recipes)
  func certificatesKeepWhatThePlanExpects(checkpoint: String, recipe: String) throws {
    let (rows, _, plan) = try convert(checkpoint, recipe)
    #expect(rows.map(\.name) == plan.tensors.map(\.name))
    for (row, tensor) in zip(rows, plan.tensors) {
      switch tensor.expectation {
      case .exact: #expect(row.classification == .exact, "\(row.name)")
      case .bounded: #expect(row.classification != .measured, "\(row.name)")
      case .exactIf, .measured: break
      }
      #expect(row.sums.unequalCount == 0 || row.sums.noise > 0)
    }
    if recipe == "source" { #expect(rows.allSatisfy { $0.classification == .exact }) }
  }

  @Test func expertsOnTheGridStayExactAsInt8AndAreBoundedAsInt4() throws {
    for (recipe, type, classification) in [
      ("source", "mxfp4", CertificateRow.Class.exact), ("q8_0", "q8_0", .exact),
      ("q4_0", "q4_0", .bounded),
    ] {
      let experts = try convert("tiny-v4/upstream", recipe).0.filter { $0.role == "routed-expert" }
      #expect(experts.count == 7 * 3)
      for row in experts {
        #expect(row.type == type && row.method == "grid-aware" && row.parts == 8)
        #expect(row.classification == classification)
        #expect(row.sources.count == 8 && row.sources.allSatisfy { $0.scaleHash != nil })
      }
    }
  }

  @Test func absmaxOnTheGridIsNotExact() throws {
    let folder = try TemporaryFolder()
    let recipe = try Converting.recipe(
      #"{rules: [{match: "role:routed-expert", type: "q8_0", method: "absmax"}]}"#)
    let plan = try Converting.plan(TestData.url("tiny-v4/upstream").path, recipe: recipe)
    let rows = try Converting.run(plan, in: folder).rows.filter { $0.role == "routed-expert" }
    #expect(rows.allSatisfy { $0.classification == .measured && $0.method == "absmax" })
  }

  @Test func theWrittenCertificateIsTheReturnedOneAndReadsBack() throws {
    let folder = try TemporaryFolder()
    let plan = try Converting.plan(testData: "tiny-v4/base", recipe: "q4_0")
    let certificate = try Converting.run(plan, in: folder)
    let read = try Certificate(path: folder.path("out.gguf.certificate.json"))
    #expect(read == certificate)
    #expect(read.planHash == plan.hash)
    #expect(read.files.map(\.name) == ["out.gguf", "out.mtp.gguf"])
    let text = String(decoding: read.encoded(), as: UTF8.self)
    #expect(!text.contains(TestData.root.path) && !text.contains(folder.url.path))
  }

  /// One block of zeros, one of −0, one so small that its F16 scale has fewer bits.
  @Test(arguments: ["q8_0", "q4_0"]) func oddBlocksAreCounted(type: String) throws {
    let (source, output) = (try TemporaryFolder(), try TemporaryFolder())
    var builder = SmallLlama.builder()
    builder.change("model.layers.0.mlp.down_proj.weight") { bytes in
      bytes.replaceSubrange(0..<128, with: [UInt8](repeating: 0, count: 128))
      bytes.replaceSubrange(128..<256, with: [UInt8](floats: Array(repeating: -0.0, count: 32)))
      bytes.replaceSubrange(256..<384, with: [UInt8](floats: Array(repeating: 1e-4, count: 32)))
    }
    let plan = try Converting.plan(
      try builder.write("model", in: source),
      recipe: Converting.recipe(#"{rules: [{match: "*ffn_down*", type: "\#(type)"}]}"#))
    let rows = try Converting.run(plan, in: output).rows
    let row = try #require(rows.first { $0.name == "blk.0.ffn_down.weight" })
    #expect(row.counts.zeroBlocks == 2 && row.counts.subnormalScales == 1)
    // Q4_0 divides by −8: its zero blocks have the scale −0, and decode to −0.
    #expect(row.sums.lostSignCount == (type == "q8_0" ? 32 : 0))
    let others = rows.filter { $0.name != row.name }
    #expect(others.allSatisfy { $0.counts == CertificateRow.Counts() })
  }
}
