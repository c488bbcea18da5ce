import Foundation
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernModels
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernVerification

/// What targets will compute: llama.cpp's figures for its own files, and integer products of folders
/// beside float products with the numbers that the activations became.
@Suite struct IntegerParityTests {
  // MARK: GGUF

  /// A file by llama-quantize, and what llama-perplexity says of it on 100 chunks.
  private struct Sample {
    let type: String
    let perplexity: Double
    let divergence: Double
  }

  private static let samples = [
    Sample(type: "Q8_0", perplexity: 2.989453, divergence: 0.000372),
    Sample(type: "Q4_1", perplexity: 3.023564, divergence: 0.008086),
    Sample(type: "Q4_K_M", perplexity: 3.007551, divergence: 0.005862),
  ]

  private static func chunks() throws -> ParityTokens {
    let text = try Data(contentsOf: TestData.url("stories4M/self_generated_260K.txt"))
    let tokenizer = try TextTokenizer(folder: TestData.url("stories4M/bf16").path)
    let tokens = tokenizer.prefix + (try tokenizer.encode([UInt8](text)))
    return ParityTokens(
      TokenChunks(tokens, length: 128, beginning: tokenizer.prefix.first, limit: 100),
      source: "text")
  }

  /// The rows whose guesses count, as the output weight takes them.
  private static func finished(_ run: ModelRun, _ tokens: ParityTokens) throws -> Activations {
    let stream = try run.pass.embed(tokens.batch, run.products)
    for layer in 0..<run.pass.layerCount {
      _ = try run.pass.run(layer: layer, stream, tokens.batch, run.products)
    }
    return try run.pass.finish(stream.gathered(tokens.scored.rows), run.products)
  }

  /// What a parity run does in the end, without the comparison of layers, which takes twice as long.
  @Test func perplexityAndDivergenceAreThoseOfLlamaCpp() throws {
    let tokens = try Self.chunks()
    let reference = try Self.run(TestData.url("stories4M/bf16").path, .decoded)
    let wanted = try Self.finished(reference, tokens)
    for sample in Self.samples {
      let run = try Self.run(
        TestData.url("stories4M/llama-quantize-\(sample.type).gguf").path, .integer)
      let found = try Self.finished(run, tokens)
      let comparison = WordComparison(targets: tokens.scored.targets)
      try reference.forEachLogits(wanted) { range, logits throws(ModelError) in
        try comparison.add(
          range, reference: logits, output: try run.logits(found, range), run.products.workers)
      }
      let perplexity = comparison.result.outputPerplexity.value
      #expect(abs(perplexity / sample.perplexity - 1) < 0.002, "\(sample.type): \(perplexity)")
      let divergence = comparison.result.divergence.mean.value
      #expect(abs(divergence / sample.divergence - 1) < 0.05, "\(sample.type): \(divergence)")
    }
  }

  // MARK: Folders

  private static func open(_ path: String) throws -> Checkpoint {
    try Checkpoint.open(path, environment: [:])
  }

  private static func run(_ path: String, _ mode: ProductMode) throws -> ModelRun {
    try ModelRun(
      try open(path), mode: mode, workers: Workers(count: 2, control: RunControl()))
  }

  /// About normal numbers of BF16: [rows, columns].
  private static func inputs(rows: Int, columns: Int) -> Activations {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func uniform() -> Float {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Float(state >> 40) * 0x1p-24 - 0.5
    }
    let values = (0..<rows * columns).map { _ in
      BF16.decode(BF16.encode(uniform() + uniform() + uniform()))
    }
    return Activations(rows: rows, width: columns, values: values)
  }

  /// Each row as 127 steps of its largest magnitude.
  private static func quantized(_ x: Activations) -> Activations {
    let result = x.copy()
    for row in 0..<x.rowCount {
      let scale = x.row(row).reduce(0) { max($0, $1.magnitude) } / 127
      for (column, value) in x.row(row).enumerated() {
        result.row(row)[column] = (value / scale).rounded(.toNearestOrEven) * scale
      }
    }
    return result
  }

  struct Product: CustomTestStringConvertible, Sendable {
    let model: Model
    let target: ConversionTarget
    let recipe: String
    let weight: String
    let columns: Int
    var part = 0
    var testDescription: String { "\(recipe) \(weight)" }
  }

  static let products = [
    Product(
      model: .stories, target: .ascend, recipe: "w8a8", weight: "blk.1.ffn_down.weight",
      columns: 172),
    // The rows of its heads change places.
    Product(
      model: .stories, target: .ascend, recipe: "w8a8", weight: "blk.1.attn_q.weight", columns: 64),
    Product(
      model: .stories, target: .compressedTensors, recipe: "w8a8", weight: "blk.1.attn_k.weight",
      columns: 64),
    Product(
      model: .upstream, target: .ascend, recipe: "w8a8", weight: "blk.1.attn_q_a.weight",
      columns: 256),
    Product(
      model: .upstream, target: .ascend, recipe: "w4a8", weight: "blk.1.ffn_gate_exps.weight",
      columns: 256, part: 3),
  ]

  /// The rest is the rounding to BF16, 0.2 %, and to F16 inside the W4A8 kernel.
  @Test(arguments: products)
  func integerProductsAreThoseOfWhatActivationsBecame(_ product: Product) throws {
    let output = try ConvertedFolder(product.model, product.recipe, to: product.target)
    let (decoded, integer) = (
      try Self.run(output.path, .decoded).products, try Self.run(output.path, .integer).products
    )
    let x = Self.inputs(rows: 5, columns: product.columns)
    let found = try integer.multiply(x, product.weight, part: product.part).array
    let wanted = try decoded.multiply(Self.quantized(x), product.weight, part: product.part).array
    let error = relativeError(found, wanted)
    #expect(error < 0.003, "\(error)")
    // Activations of eight bits are not those of float32.
    let whole = try decoded.multiply(x, product.weight, part: product.part).array
    #expect(relativeError(found, whole) > 0.003)
  }

  /// Of activations with a fixed scale and offset, what is beyond int8 is cut off.
  @Test func fixedScalesOfActivationsAreThoseOfTheFolder() throws {
    let recipe = try Recipe.parse(
      Array(#"{rules: [{match: "layers.?.attn.wq_a.weight", type: "w8a8_static"}]}"#.utf8),
      name: "static.json5", target: .ascend)
    let statistics = try TemporaryFolder()
    var builder = CalibrationBuilder()
    // 255 steps of 2^-7.
    for layer in 0..<6 {
      builder.add("layers.\(layer).attn.wq_a.weight", range: -0.9921875...1)
    }
    let output = try ConvertedFolder(
      .upstream, recipe: recipe, calibration: Calibration(path: builder.write(to: statistics)))
    let x = Self.inputs(rows: 5, columns: 256)
    let became = x.copy()
    for index in x.values.indices {
      let step = (x.values[index] * 128).rounded(.toNearestOrEven)
      became.values[index] = max(-127, min(128, step)) / 128
    }
    #expect(x.array.contains { $0 > 1 })
    let name = "blk.1.attn_q_a.weight"
    let found = try Self.run(output.path, .integer).products.multiply(x, name).array
    let wanted = try Self.run(output.path, .decoded).products.multiply(became, name).array
    #expect(relativeError(found, wanted) < 0.003)
    let whole = try Self.run(output.path, .decoded).products.multiply(x, name).array
    #expect(relativeError(found, whole) > 0.003)
  }

  /// Weights alone are integers, or nothing is: the activations are those of BF16, and so is the result.
  @Test(arguments: [
    ("w4a16", "blk.1.ffn_up_exps.weight"), ("w8a16", "blk.1.attn_q_a.weight"),
    ("w8a8", "output.weight"),
  ])
  func floatProductsAreRoundedToBF16(_ recipe: String, _ name: String) throws {
    let output = try ConvertedFolder(.upstream, recipe, to: .compressedTensors)
    let x = Self.inputs(rows: 5, columns: 256)
    let found = try Self.run(output.path, .integer).products.multiply(x, name).array
    let wanted = try Self.run(output.path, .decoded).products.multiply(x, name).array
    #expect(relativeError(found, wanted) < 0.003)
    #expect(found.allSatisfy { BF16.decode(BF16.encode($0)) == $0 })
    #expect(found != wanted)
  }

  @Test(arguments: ["w8a8", "w4a8"])
  func aLayersErrorIsThatOfItsWeightsAndOfItsActivations(_ recipe: String) throws {
    let output = try ConvertedFolder(.upstream, recipe)
    let ids = try ReferenceTensors("tiny-v4/reference.safetensors").tokens()
    let tokens = ParityTokens(sequences: [Array(ids[..<64])], source: "ids")
    let found = try [ProductMode.decoded, .integer].map { mode in
      var options = ParityRun.Options()
      options.mode = mode
      return try ParityRun(
        output: try Self.open(output.path), against: output.checkpoint, tokens, options: options,
        control: RunControl()
      ).run()
    }
    #expect(found.map(\.mode) == [.decoded, .integer])
    for (weights, both) in zip(found[0].layers, found[1].layers) {
      #expect(both.ownRelativeError > weights.ownRelativeError)
      #expect(both.ownRelativeError < weights.ownRelativeError + 0.03, "\(both)")
    }
  }
}
