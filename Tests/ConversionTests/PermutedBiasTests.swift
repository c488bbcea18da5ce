import QuernTestSupport
import Testing

@testable import QuernConversion

/// A bias of q or k moves with the rows of its matrix.
@Suite struct PermutedBiasTests {
  @Test(arguments: ["source", "q8_0"])
  func elementsOfABiasAreReorderedWithinEachHead(recipe: String) throws {
    let folder = try TemporaryFolder()
    var builder = SmallLlama.builder()
    let values = (0..<32).map { Float($0) }
    for matrix in ["q", "k"] {
      builder.tensors.append(
        .init(
          "model.layers.0.self_attn.\(matrix)_proj.bias", .f32, [32], [UInt8](floats: values)))
    }
    let plan = try Converting.plan(
      builder.write("source", in: folder), recipe: .load(recipe, target: .gguf))
    let certificate = try Converting.run(plan, in: folder)
    // Four heads of eight: pairs of the two halves, as llama.cpp's converter writes them.
    let head: [Float] = [0, 4, 1, 5, 2, 6, 3, 7]
    let expected = (0..<4).flatMap { number in head.map { $0 + Float(8 * number) } }
    let tensors = try Converting.tensors(folder.path("out.gguf"))
    for name in ["blk.0.attn_q.bias", "blk.0.attn_k.bias"] {
      #expect(tensors[name]?.bytes == [UInt8](floats: expected))
      #expect(certificate.rows.first { $0.name == name }?.classification == .exact)
    }
  }
}
