import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// An output folder before, during and after a run, also one that fails.
struct FolderPublicationTests {
  private static let partial = "out.quern-partial"
  private static let certificate = "out/quern-certificate.json"

  private func plan(relayout: ConversionOptions.Relayout? = nil) throws -> ConversionPlan {
    try Folders.plan(
      testData: "stories260K/f32", "w8a8", options: ConversionOptions(relayout: relayout))
  }

  private func failure(_ body: () throws -> Void) -> ConversionError? {
    #expect(throws: ConversionError.self, performing: body)
  }

  private func makeFolder(_ name: String, in folder: TemporaryFolder) throws {
    try FileManager.default.createDirectory(
      atPath: folder.path(name), withIntermediateDirectories: true)
  }

  @Test func aRunLeavesTheFolderOnly() throws {
    let folder = try TemporaryFolder()
    try Folders.run(plan(relayout: .nz), in: folder)
    #expect(try folder.names() == ["out"])
    let names = Set(try WrittenFolder.files(folder.path("out")).keys)
    #expect(
      names.isSuperset(of: [
        "quern-certificate.json", "config.json", "quant_model_description.json",
        "nz/fractal_nz-00001-of-00001.safetensors",
        "quant_model_weights-00001-of-00001.safetensors",
        "quant_model_weights.safetensors.index.json",
      ]))
  }

  @Test func aFolderIsReplacedWholeWhenAskedFor() throws {
    let folder = try TemporaryFolder()
    try Folders.run(plan(relayout: .nz), in: folder)
    let error = failure { try Folders.run(plan(), in: folder) }
    #expect(error?.description.contains("--overwrite") ?? false)
    try Folders.run(plan(), in: folder, overwrite: true)
    #expect(try folder.names() == ["out"])
    // Nothing of the first folder stays in the second.
    #expect(!FileManager.default.fileExists(atPath: folder.path("out/nz")))
  }

  @Test func anOutputThatWasBeingReplacedIsPutBack() throws {
    let folder = try TemporaryFolder()
    try Folders.run(plan(), in: folder)
    let before = try WrittenFolder.files(folder.path("out"))
    // As after a run that ended between its two renames.
    try FileManager.default.moveItem(
      atPath: folder.path("out"), toPath: folder.path("out.quern-replaced"))
    let output = OutputFolder(path: folder.path("out"), names: [])
    let error = failure { try output.check(overwrite: false, restart: true, sources: []) }
    #expect(error?.description.contains("exists already") ?? false)
    #expect(try folder.names() == ["out"])
    #expect(try WrittenFolder.files(folder.path("out")) == before)
  }

  @Test func aFolderThatQuernDidNotMakeIsNeverReplaced() throws {
    let folder = try TemporaryFolder()
    try makeFolder("out", in: folder)
    _ = try folder.write("out/thesis.tex", [1, 2, 3])
    let error = failure { try Folders.run(plan(), in: folder, overwrite: true) }
    #expect(error?.description.contains("is no folder that Quern made") ?? false)
    #expect(try WrittenFolder.files(folder.path("out")) == ["thesis.tex": Data([1, 2, 3])])
    #expect(try folder.names() == ["out"])
  }

  @Test func aFileInThePlaceOfTheFolderIsNeverReplaced() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("out", [1, 2, 3])
    for overwrite in [false, true] {
      _ = failure { try Folders.run(plan(), in: folder, overwrite: overwrite) }
    }
    #expect(try folder.names() == ["out"])
  }

  @Test(arguments: ["out.quern-partial", "out.quern-replaced"])
  func aLeftoverIsRefusedUnlessRestarting(name: String) throws {
    let folder = try TemporaryFolder()
    try makeFolder(name + "/nz", in: folder)
    _ = try folder.write(name + "/nz/part", [9])
    let error = failure { try Folders.run(plan(), in: folder, overwrite: true) }
    #expect(error?.description.contains("--restart") ?? false)
    #expect(FileManager.default.fileExists(atPath: folder.path(name + "/nz/part")))
    try Folders.run(plan(), in: folder, restart: true)
    #expect(try folder.names() == ["out"])
  }

  @Test func linksInALeftoverAreRemovedAndNotFollowed() throws {
    let (folder, elsewhere) = (try TemporaryFolder(), try TemporaryFolder())
    let precious = try elsewhere.write("precious", [7])
    try makeFolder(Self.partial, in: folder)
    for (name, target) in [("file", precious), ("folder", elsewhere.url.path)] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path(Self.partial + "/" + name), withDestinationPath: target)
    }
    try Folders.run(plan(), in: folder, restart: true)
    #expect(try folder.names() == ["out"])
    #expect(try elsewhere.names() == ["precious"])
  }

  @Test(arguments: [false, true]) func aRunInProgressIsBusy(restart: Bool) throws {
    let folder = try TemporaryFolder()
    try makeFolder(Self.partial + "/nz", in: folder)
    let output = try OutputFile(
      creating: folder.path(Self.partial + "/nz/part"), durable: false)
    let error = failure { try Folders.run(plan(), in: folder, restart: restart) }
    guard case .busy = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try folder.names() == [Self.partial])
    try output.finish()
  }

  @Test func anOutputThatIsItsOwnSourceIsRefused() throws {
    let folder = try TemporaryFolder()
    try Folders.run(plan(), in: folder)
    let before = try WrittenFolder.files(folder.path("out"))
    let again = try Folders.plan(folder.path("out"), "{rules: []}")
    let error = failure { try Folders.run(again, in: folder, overwrite: true) }
    #expect(error?.description.contains("is the checkpoint itself") ?? false)
    #expect(try WrittenFolder.files(folder.path("out")) == before)
  }

  @Test func aFailureLeavesWhatWasThere() throws {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    try Folders.run(plan(), in: folder)
    let before = try WrittenFolder.files(folder.path("out"))
    let broken = SmallLlama.builder(
      "model.layers.0.mlp.down_proj.weight", row: 31, column: 63, value: .infinity)
    let bad = try Folders.plan(broken.write("model", in: source), "w8a8")
    _ = failure { try Folders.run(bad, in: folder, overwrite: true) }
    #expect(try folder.names() == ["out"])
    #expect(try WrittenFolder.files(folder.path("out")) == before)
  }

  @Test func anInterruptedRunLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let control = RunControl()
    control.interrupt()
    let conversion = try Conversion(
      plan(relayout: .nz), outputPath: folder.path("out"), threadCount: 2, durable: false)
    _ = failure { _ = try conversion.run(control) }
    #expect(try folder.names().isEmpty)
  }

  @Test func aFolderThatAppearsMeanwhileStays() throws {
    let folder = try TemporaryFolder()
    let plan = try plan()
    var output = OutputFolder(path: folder.path("out"), names: plan.files.map(\.name))
    try output.check(overwrite: false, restart: false, sources: [])
    try output.create(plan, durable: false)
    try makeFolder("out", in: folder)
    _ = try folder.write("out/thesis.tex", [5])
    let error = failure {
      try output.publish(
        certificate: { (file) throws(FileError) in try file.write([1], at: 0) },
        overwrite: false, durable: false)
    }
    output.discard()
    guard case .cannotCreate = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try folder.names() == ["out"])
    #expect(try WrittenFolder.files(folder.path("out")) == ["thesis.tex": Data([5])])
  }

  @Test func aSlashBehindTheNameMakesNoDifference() throws {
    let folder = try TemporaryFolder()
    _ = try Conversion(
      plan(), outputPath: folder.path("out") + "//", threadCount: 2, durable: false
    ).run()
    #expect(try folder.names() == ["out"])
  }

  @Test func aDurableRunWritesTheSameBytes() throws {
    let (durable, quick) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try Conversion(plan(), outputPath: durable.path("out"), threadCount: 2).run()
    try Folders.run(plan(), in: quick)
    #expect(
      try WrittenFolder.files(durable.path("out")) == WrittenFolder.files(quick.path("out")))
  }
}
