import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What a rotated conversion writes.
@Suite struct RotationConversionTests {
  /// An element of R: blocks of 32 of the Hadamard matrix in Sylvester's order.
  private func element(_ row: Int, _ column: Int) -> Double {
    guard row / 32 == column / 32 else { return 0 }
    let sign = (row % 32 & column % 32).nonzeroBitCount % 2 == 0 ? 1.0 : -1
    return sign / 32.0.squareRoot()
  }

  /// W·diag(g)·R in float64, by the definition.
  private func columns(_ matrix: [Float], rowLength: Int, gains: [Float]? = nil) -> [Double] {
    matrix.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: rowLength)
      return (0..<rowLength).reduce(0) { sum, other in
        let gain = Double(gains?[other] ?? 1)
        return sum + Double(matrix[row * rowLength + other]) * gain * element(other, column)
      }
    }
  }

  /// R·W in float64.
  private func rows(_ matrix: [Float], rowLength: Int) -> [Double] {
    let rowCount = matrix.count / rowLength
    return matrix.indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: rowLength)
      return (0..<rowCount).reduce(0) {
        $0 + element(row, $1) * Double(matrix[$1 * rowLength + column])
      }
    }
  }

  private func isClose(_ found: [Float]?, _ expected: [Double]) -> Bool {
    guard let found, found.count == expected.count else { return false }
    return zip(found, expected).allSatisfy { abs(Double($0) - $1) < 2e-6 * max(1, abs($1)) }
  }

  @Test func weightsAreProductsWithTheMatrix() throws {
    let folder = try TemporaryFolder()
    let path = try Rotating.llama().write("llama", in: folder)
    let plan = try Rotating.plan(Checkpoint.open(path, environment: [:]), recipe: Rotating.f32)
    let certificate = try Rotating.run(plan, "out", in: folder)
    let before = try Rotating.values(folder.url.appending(path: "llama"))
    let after = try Rotating.values(folder.url.appending(path: "out"))
    #expect(before.keys.sorted() == after.keys.sorted())
    func source(_ name: String) throws -> [Float] { try #require(before[name]) }
    let block = "model.layers.0."
    let (norm, post) = (
      try source(block + "input_layernorm.weight"),
      try source(block + "post_attention_layernorm.weight")
    )
    for (name, gains) in [
      ("model.embed_tokens.weight", nil), ("lm_head.weight", try source("model.norm.weight")),
      (block + "self_attn.q_proj.weight", norm), (block + "self_attn.k_proj.weight", norm),
      (block + "self_attn.v_proj.weight", norm), (block + "mlp.gate_proj.weight", post),
      (block + "mlp.up_proj.weight", post),
    ] {
      let expected = columns(try source(name), rowLength: 64, gains: gains)
      #expect(isClose(after[name], expected), "\(name)")
    }
    for (name, rowLength) in [
      ("self_attn.o_proj.weight", 64), ("self_attn.o_proj.bias", 1),
      ("mlp.down_proj.weight", 128), ("mlp.down_proj.bias", 1),
    ] {
      let expected = rows(try source(block + name), rowLength: rowLength)
      #expect(isClose(after[block + name], expected), "\(name)")
    }
    for name in ["q_proj", "k_proj", "v_proj"].map({ block + "self_attn.\($0).bias" })
      + [block + "mlp.gate_proj.bias", block + "mlp.up_proj.bias"]
    {
      #expect(after[name] == before[name], "\(name)")
    }
    for name in before.keys where name.contains("norm") {
      #expect(after[name] == Array(repeating: 1, count: 64), "\(name)")
    }
    for row in certificate.rows {
      let isNormOrBias = row.name.contains("norm") || row.name.hasSuffix("bias")
      #expect(isNormOrBias || row.isRotated && row.classification == .measured, "\(row.name)")
    }
  }

  @Test func theHeaderSaysThatWeightsAreRotated() throws {
    let folder = try TemporaryFolder()
    let source = try Rotating.llama().write("llama", in: folder)
    let checkpoint = try Checkpoint.open(source, environment: [:])
    for rotates in [true, false] {
      let plan = try Rotating.plan(checkpoint, rotates: rotates)
      let weights = try #require(plan.files.first { $0.name.hasSuffix(".safetensors") })
      let text = String(decoding: weights.header, as: UTF8.self)
      let isNoted = text.contains("quern.rotation") && text.contains("hadamard-32")
      #expect(isNoted == rotates)
    }
  }

  @Test(arguments: ["w8a8", "w4a8"]) func theBytesDoNotDependOnThreads(recipe: String) throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("tiny-v4/upstream", in: folder)
    let plan = try ConversionPlan(
      .ascend, of: checkpoint, recipe: Recipe.load(recipe, target: .ascend),
      options: ConversionOptions(rotates: true), outputName: "out")
    for threads in [1, 3] { try Rotating.run(plan, "out\(threads)", in: folder, threads: threads) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("out1")).sorted()
    #expect(names.count > 3)
    for name in names {
      let (one, three) = (folder.path("out1/" + name), folder.path("out3/" + name))
      #expect(FileManager.default.contentsEqual(atPath: one, andPath: three), "\(name)")
    }
  }

  @Test func aWeightThatOverflowsOnceRotatedIsRefused() throws {
    let folder = try TemporaryFolder()
    var builder = Rotating.llama()
    builder.change("lm_head.weight") { bytes in
      bytes.replaceSubrange(
        0..<256, with: [UInt8](floats: Array(repeating: 3e38, count: 64)))
    }
    builder.change("model.norm.weight") {
      $0 = [UInt8](floats: Array(repeating: 1, count: 64))
    }
    let checkpoint = try Checkpoint.open(builder.write("large", in: folder), environment: [:])
    let plan = try Rotating.plan(checkpoint, recipe: Rotating.f32)
    #expect { try Rotating.run(plan, "out", in: folder) } throws: {
      "\($0)".contains("lm_head.weight") && "\($0)".contains("rotated")
    }
  }

  @Test func theComparisonSeesThatTheGridIsLost() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("tiny-v4/upstream", in: folder)
    let plan = try ConversionPlan(
      .ascend, of: checkpoint, recipe: Recipe.load("w8a8", target: .ascend),
      options: ConversionOptions(rotates: true), outputName: "out")
    let comparison = try RotationComparison(plan)
    let experts = try #require(comparison.rows.first { $0.role == .routedExpert })
    #expect(experts.sampledRowCount == 128 && experts.tensorCount == 168)
    let (plain, rotated) = (experts.plain, experts.rotated)
    #expect(plain.noise < rotated.noise)
    #expect((rotated.sqnrDecibels ?? 0) > 38)
    #expect(comparison.rows.contains { $0.role == .sharedExpert })
    #expect(!comparison.rows.contains { $0.role == .norm })
  }
}
