import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Plans and conversions to folders, without waiting for the disk.
enum Folders {
  static let everythingF32 = #"{rules: [{match: "*", type: "f32"}]}"#

  /// - Parameter recipe: the name of a built-in, or the text of a recipe.
  static func plan(
    _ path: String, _ recipe: String, to target: ConversionTarget = .ascend,
    options: ConversionOptions = ConversionOptions(), calibration: Calibration? = nil
  ) throws -> ConversionPlan {
    let recipe =
      recipe.hasPrefix("{")
      ? try Recipe.parse(Array(recipe.utf8), name: "own.json5", target: target)
      : try Recipe.load(recipe, target: target)
    return try ConversionPlan(
      target, of: Checkpoint.open(path, environment: [:]), recipe: recipe, options: options,
      calibration: calibration, outputName: "out")
  }

  static func plan(
    testData path: String, _ recipe: String, to target: ConversionTarget = .ascend,
    options: ConversionOptions = ConversionOptions()
  ) throws -> ConversionPlan {
    try plan(TestData.url(path).path, recipe, to: target, options: options)
  }

  /// Converts into `out` of a folder.
  @discardableResult static func run(
    _ plan: ConversionPlan, in folder: TemporaryFolder, threads: Int = 2, overwrite: Bool = false,
    restart: Bool = false, kernels: RowKernels = .best
  ) throws -> Certificate {
    try Conversion(
      plan, outputPath: folder.path("out"), threadCount: threads, overwrite: overwrite,
      restart: restart, durable: false, kernels: kernels
    ).run()
  }

  /// Plans and converts a builder's checkpoint.
  static func convert(
    _ builder: CheckpointBuilder, _ recipe: String, to target: ConversionTarget = .ascend,
    options: ConversionOptions = ConversionOptions()
  ) throws -> (output: WrittenFolder, certificate: Certificate) {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    let plan = try plan(
      builder.write("model", in: source), recipe, to: target, options: options)
    let certificate = try run(plan, in: folder)
    return (try WrittenFolder(folder), certificate)
  }

  /// The message with which a conversion is refused, and "no error" for one that is not.
  static func refusal(
    _ builder: CheckpointBuilder, _ recipe: String, to target: ConversionTarget = .ascend,
    options: ConversionOptions = ConversionOptions(), calibration: Calibration? = nil
  ) throws -> String {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    do {
      let plan = try plan(
        builder.write("model", in: source), recipe, to: target, options: options,
        calibration: calibration)
      try run(plan, in: folder)
      return "no error"
    } catch let error as ConversionError {
      #expect(try folder.names().isEmpty)
      return error.description
    } catch let error as RecipeError {
      return error.description
    }
  }

  /// A model of a family in which the rows and columns of experts have another length.
  static func experts(of family: String, intermediate: Int) throws -> CheckpointBuilder {
    var builder = try CheckpointBuilder(family: family)
    for index in builder.tensors.indices where builder.tensors[index].name.contains(".experts.") {
      var tensor = builder.tensors[index]
      tensor.shape[tensor.name.contains("down_proj") ? 1 : 0] = intermediate
      tensor.bytes = [UInt8](
        bf16: (0..<tensor.shape.reduce(1, *)).map { Float($0 % 251) / 64 })
      builder.tensors[index] = tensor
    }
    let config = String(decoding: builder.files["config.json"] ?? [], as: UTF8.self)
    let changed = config.replacing(
      #/"moe_intermediate_size": \d+/#, with: "\"moe_intermediate_size\": \(intermediate)")
    builder.files["config.json"] = Array(changed.utf8)
    return builder
  }

  /// The small Llama with as many rows in the feed-forward's first matrices.
  static func feedForward(rows: Int) -> CheckpointBuilder {
    var builder = SmallLlama.builder()
    for index in builder.tensors.indices where builder.tensors[index].name.contains(".mlp.") {
      let isDown = builder.tensors[index].name.contains("down_proj")
      builder.tensors[index].shape[isDown ? 1 : 0] = rows
      builder.tensors[index].bytes = [UInt8](
        floats: (0..<rows * SmallLlama.width).map { Float($0 % 15 - 7) })
    }
    builder.config = builder.config?.replacing(
      "\"intermediate_size\": 64", with: "\"intermediate_size\": \(rows)")
    return builder
  }
}
