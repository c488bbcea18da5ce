import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTestSupport
import QuernVerification
import Testing

/// A conversion for a runtime in a folder of its own, `out`.
struct ConvertedFolder {
  let folder: TemporaryFolder
  let checkpoint: Checkpoint

  var path: String { folder.path("out") }
  var certificatePath: String { path + "/quern-certificate.json" }

  init(
    _ model: Model, _ recipe: String, to target: ConversionTarget = .ascend,
    options: ConversionOptions = .init(), kernels: RowKernels = .best,
    mutate: (inout ConversionPlan) throws -> Void = { _ in }
  ) throws {
    try self.init(
      model, recipe: try Recipe.load(recipe, target: target), to: target, options: options,
      kernels: kernels, mutate: mutate)
  }

  init(
    _ model: Model, recipe: Recipe, to target: ConversionTarget = .ascend,
    options: ConversionOptions = .init(), calibration: Calibration? = nil,
    kernels: RowKernels = .best, mutate: (inout ConversionPlan) throws -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    checkpoint = try model.open()
    var plan = try ConversionPlan(
      target, of: checkpoint, recipe: recipe, options: options, calibration: calibration,
      outputName: "out")
    try mutate(&plan)
    _ = try Conversion(
      plan, outputPath: folder.path("out"), threadCount: 2, durable: false, kernels: kernels
    ).run()
  }

  func withoutCertificate() throws -> ConvertedFolder {
    try FileManager.default.removeItem(atPath: certificatePath)
    return self
  }

  func verify(against: Bool = true, options: VerificationOptions = .init()) throws
    -> VerificationReport
  {
    try Verification.run(
      output: path, against: against ? checkpoint : nil, options: options)
  }
}
