import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTestSupport
import QuernVerification
import Testing

/// A small model of `testdata/`.
enum Model: String, CaseIterable, CustomTestStringConvertible {
  case stories = "stories260K/f32"
  case storiesBF16 = "stories260K/bf16-3shard"
  case upstream = "tiny-v4/upstream"
  case base = "tiny-v4/base"

  var testDescription: String { rawValue }

  func open() throws -> Checkpoint {
    try Checkpoint.open(TestData.url(rawValue).path, environment: [:])
  }
}

/// A conversion in a folder of its own, `out.gguf`.
struct ConvertedOutput {
  let folder: TemporaryFolder
  let checkpoint: Checkpoint
  let certificate: Certificate

  var path: String { folder.path("out.gguf") }
  var certificatePath: String { path + ".certificate.json" }

  /// Converts; `mutate` may falsify the plan behind its hash, `kernels` be broken.
  init(
    _ model: Model, recipe: Recipe, options: ConversionOptions = .init(),
    importance: Importance? = nil, kernels: RowKernels = .best,
    mutate: (inout ConversionPlan) throws -> Void = { _ in }
  ) throws {
    try self.init(
      model.open(), recipe: recipe, options: options, importance: importance, kernels: kernels,
      mutate: mutate)
  }

  /// Converts a checkpoint of any folder.
  init(
    _ checkpoint: Checkpoint, recipe: Recipe, options: ConversionOptions = .init(),
    importance: Importance? = nil, kernels: RowKernels = .best,
    mutate: (inout ConversionPlan) throws -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    self.checkpoint = checkpoint
    var plan = try ConversionPlan(
      .gguf, of: checkpoint, recipe: recipe, options: options, importance: importance,
      outputName: "out")
    try mutate(&plan)
    certificate = try Conversion(
      plan, outputPath: folder.path("out.gguf"), threadCount: 2, durable: false, kernels: kernels
    ).run()
  }

  init(_ model: Model, _ recipe: String) throws {
    try self.init(model, recipe: try Recipe.load(recipe, target: .gguf))
  }

  func verify(against: Bool = true, file: String = "out.gguf") throws -> VerificationReport {
    try Verification.run(
      output: folder.path(file), against: against ? checkpoint : nil)
  }

  /// The bytes of a file with one byte changed, for the time of a call.
  func withByteFlipped<T>(at offset: Int, bit: Int, of file: String, _ body: () throws -> T) throws
    -> T
  {
    let handle = try FileHandle(forUpdating: folder.url.appending(path: file))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    let byte = try handle.read(upToCount: 1)?.first ?? 0
    func put(_ byte: UInt8) throws {
      try handle.seek(toOffset: UInt64(offset))
      try handle.write(contentsOf: Data([byte]))
    }
    try put(byte ^ 1 << UInt8(bit % 8))
    defer { try? put(byte) }
    return try body()
  }
}

extension Recipe {
  /// A recipe of one rule.
  static func only(_ match: String, _ type: String, method: String = "auto") throws -> Recipe {
    let text = #"{rules: [{match: "\#(match)", type: "\#(type)", method: "\#(method)"}]}"#
    return try Recipe.parse(Array(text.utf8), name: "only.json5", target: .gguf)
  }
}
