import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// The two parts of DeepSeek-V3's key and value projection, byte for byte those of llama.cpp's
/// converter (and of gguf-py's encoder): from FP8 in blocks that reach over heads and edges.
struct HeadSplitTests {
  private static let model = "families/deepseek-v3-fp8"

  private func expected() throws -> [String: [UInt8]] {
    let path = TestData.url("families/deepseek-v3-fp8.heads.safetensors").path
    let file = try SafetensorsFile(path: path)
    let input = try InputFile(path: path)
    var tensors: [String: [UInt8]] = [:]
    for tensor in file.tensors { tensors[tensor.name.text] = try input.bytes(in: tensor.range) }
    return tensors
  }

  @Test(arguments: [1, 7, 64, 160])
  func bothPartsAreLlamaCppsWhateverTheChunks(rows: Int) throws {
    let folder = try TemporaryFolder()
    var plan = try Converting.plan(testData: Self.model, recipe: "source")
    for index in plan.tensors.indices where plan.tensors[index].expression.isStack {
      let grid = plan.tensors[index].grid
      plan.tensors[index].grid = ChunkGrid(
        parts: grid.parts, rowsPerPart: grid.rowsPerPart, chunkRows: min(rows, grid.rowsPerPart))
    }
    let certificate = try Converting.run(plan, in: folder)
    let (tensors, expected) = (try Converting.tensors(folder.path("out.gguf")), try expected())
    for layer in 0..<2 {
      for part in ["k", "v"] {
        let name = "blk.\(layer).attn_\(part)_b.weight"
        #expect(tensors[name]?.type == "F32")
        #expect(tensors[name]?.bytes == expected[name], "\(name)")
        #expect(certificate.rows.first { $0.name == name }?.classification == .exact)
      }
    }
  }

  @Test func blocksRunAlongTheTransposedRows() throws {
    let folder = try TemporaryFolder()
    let recipe = try Converting.recipe(
      #"{rules: [{match: "*.attn_k_b.weight", type: "q8_0", method: "absmax"}]}"#)
    let plan = try Converting.plan(TestData.url(Self.model).path, recipe: recipe)
    try Converting.run(plan, in: folder)
    let (tensors, expected) = (try Converting.tensors(folder.path("out.gguf")), try expected())
    for layer in 0..<2 {
      let name = "blk.\(layer).attn_k_b.weight"
      #expect(tensors[name]?.bytes == expected[name + ".q8_0"])
    }
  }

  @Test func aWeightThatIsNoNumberIsNamedByItsPlaceInTheSource() throws {
    let folder = try TemporaryFolder()
    var builder = try CheckpointBuilder(family: "deepseek-v3")
    let name = "model.layers.0.self_attn.kv_b_proj.weight"
    // 64 rows a head, of which 32 are keys: row 2 of head 1.
    builder.change(name) {
      $0.replaceSubrange(2 * (66 * 32 + 3)..<2 * (66 * 32 + 4), with: [0xc0, 0x7f])
    }
    let path = try builder.write("model", in: folder)
    do {
      try Converting.run(
        Converting.plan(path, recipe: .load("source", target: .gguf)), in: TemporaryFolder())
      Issue.record("converted")
    } catch {
      #expect("\(error)".contains(name) && "\(error)".contains("row 66, column 3"), "\(error)")
    }
  }

  @Test func theDraftLayerIsLeftOutWithItsReason() throws {
    let plan = try Converting.plan(testData: Self.model, recipe: "source")
    #expect(plan.dropped.count > 20)
    #expect(plan.dropped.allSatisfy { $0.name.text.hasPrefix("model.layers.2.") })
    #expect(plan.warnings.contains { $0.contains("draft layer") })
    #expect(plan.files.count == 1)
  }
}
