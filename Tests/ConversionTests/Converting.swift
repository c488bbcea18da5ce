import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTestSupport

@testable import QuernConversion

/// Plans and conversions of the tests, without waiting for the disk.
enum Converting {
  static let checkpoints = [
    "stories260K/f32", "stories260K/bf16-3shard", "tiny-v4/upstream", "tiny-v4/base",
  ]
  static let recipes = ["source", "q8_0", "q4_0"]

  static func plan(
    _ path: String, recipe: Recipe, options: ConversionOptions = ConversionOptions(),
    importance: Importance? = nil
  ) throws -> ConversionPlan {
    try ConversionPlan(
      .gguf,
      of:
        Checkpoint.open(path, environment: [:]), recipe: recipe, options: options,
      importance: importance, outputName: "out")
  }

  /// A plan of a folder of `testdata/`.
  static func plan(
    testData path: String, recipe: String, options: ConversionOptions = ConversionOptions()
  ) throws -> ConversionPlan {
    try plan(
      TestData.url(path).path, recipe: Recipe.load(recipe, target: .gguf), options: options)
  }

  static func recipe(_ text: String) throws -> Recipe {
    try Recipe.parse(Array(text.utf8), name: "own.json5", target: .gguf)
  }

  @discardableResult static func run(
    _ plan: ConversionPlan, in folder: TemporaryFolder, threads: Int = 2,
    overwrite: Bool = false, restart: Bool = false, kernels: RowKernels = .best,
    control: RunControl = RunControl()
  ) throws -> Certificate {
    try Conversion(
      plan, outputPath: folder.path("out.gguf"), threadCount: threads, overwrite: overwrite,
      restart: restart, durable: false, kernels: kernels
    ).run(control)
  }

  /// Every file of a folder by name.
  static func files(_ folder: TemporaryFolder) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try folder.names() {
      files[name] = try Data(contentsOf: folder.url.appending(path: name))
    }
    return files
  }

  /// The tensors of a GGUF file: type, shape and bytes by name.
  static func tensors(_ path: String) throws -> [String: StoredGGUFTensor] {
    let file = try GGUFFile(path: path)
    let input = try InputFile(path: path)
    var tensors: [String: StoredGGUFTensor] = [:]
    for tensor in file.tensors {
      tensors[tensor.name.text] = StoredGGUFTensor(
        type: tensor.type.name, shape: tensor.shape.dimensions,
        bytes: try input.bytes(in: tensor.range))
    }
    return tensors
  }
}

struct StoredGGUFTensor: Equatable {
  let type: String
  let shape: [Int]
  let bytes: [UInt8]
}
