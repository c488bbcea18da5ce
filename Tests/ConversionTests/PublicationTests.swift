import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What is in the folder before, during and after a run, also one that fails.
struct PublicationTests {
  private static let partial = ".quern-partial"
  private static let certificate = "out.gguf.certificate.json"

  private func plan(draft: ConversionOptions.Draft = .drop) throws -> ConversionPlan {
    try Converting.plan(
      testData: "tiny-v4/upstream", recipe: "q8_0", options: ConversionOptions(draft: draft))
  }

  private func failure(_ body: () throws -> Void) -> ConversionError? {
    #expect(throws: ConversionError.self, performing: body)
  }

  @Test func aRunLeavesTheFilesAndTheCertificateOnly() throws {
    let folder = try TemporaryFolder()
    try Converting.run(plan(draft: .keep), in: folder)
    #expect(try folder.names() == ["out.gguf", Self.certificate, "out.mtp.gguf"])
  }

  @Test(arguments: ["out.gguf", certificate, "out.mtp.gguf"])
  func whatExistsIsRefusedAndUntouchedUnlessOverwriting(name: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(name, [1, 2, 3])
    let error = failure { try Converting.run(plan(draft: .keep), in: folder) }
    guard case .cannotCreate(let path, _, let advice) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path.hasSuffix(name) && advice.contains("--overwrite"))
    #expect(try Converting.files(folder) == [name: Data([1, 2, 3])])
    try Converting.run(plan(draft: .keep), in: folder, overwrite: true)
    #expect(try Converting.files(folder)[name]?.count ?? 0 > 3)
    #expect(try folder.names().count == 3)
  }

  @Test(arguments: ["out.gguf", certificate, "out.mtp.gguf"])
  func aLeftoverIsRefusedUnlessRestarting(name: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(name + Self.partial, [9])
    let error = failure {
      try Converting.run(plan(draft: .keep), in: folder, overwrite: true)
    }
    #expect(error?.description.contains("--restart") ?? false)
    #expect(try Converting.files(folder) == [name + Self.partial: Data([9])])
    try Converting.run(plan(draft: .keep), in: folder, restart: true)
    #expect(try folder.names() == ["out.gguf", Self.certificate, "out.mtp.gguf"])
  }

  @Test func aLinkInPlaceOfAPartialIsNeverFollowed() throws {
    let folder = try TemporaryFolder()
    let precious = try folder.write("precious", [7])
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("out.gguf" + Self.partial), withDestinationPath: precious)
    _ = failure { try Converting.run(plan(), in: folder, restart: true) }
    _ = failure { try Converting.run(plan(), in: folder) }
    #expect(try Converting.files(folder)["precious"] == Data([7]))
  }

  @Test func aRunInProgressIsBusy() throws {
    let folder = try TemporaryFolder()
    let output = try OutputFile(creating: folder.path("out.gguf" + Self.partial), durable: false)
    for restart in [false, true] {
      let error = failure { try Converting.run(plan(), in: folder, restart: restart) }
      guard case .busy = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    #expect(try folder.names() == ["out.gguf" + Self.partial])
    try output.finish()
  }

  @Test func aFolderThatDoesNotExistCannotBeWrittenTo() throws {
    let error = failure {
      _ = try Conversion(
        plan(), outputPath: "/nonexistent/folder/out.gguf", threadCount: 1, durable: false
      ).run()
    }
    guard case .cannotCreate = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func theCheckpointItselfIsNeverOverwritten() throws {
    let folder = try TemporaryFolder()
    let model = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
      .write("model", in: folder)
    let plan = try Converting.plan(model, recipe: Recipe.load("source", target: .gguf))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("out.gguf"), withDestinationPath: model + "/model.safetensors")
    let error = failure { try Converting.run(plan, in: folder, overwrite: true) }
    #expect(error?.description.contains("checkpoint") ?? false)
  }

  @Test func aDurableRunWritesTheSameBytes() throws {
    let (durable, quick) = (try TemporaryFolder(), try TemporaryFolder())
    let plan = try Converting.plan(testData: "stories260K/bf16-3shard", recipe: "q4_0")
    let returned = try Conversion(
      plan, outputPath: durable.path("out.gguf"), threadCount: 2
    ).run()
    #expect(try Converting.run(plan, in: quick) == returned)
    #expect(try Converting.files(durable) == Converting.files(quick))
  }

  @Test func progressCountsEverySourceByteOnce() throws {
    for checkpoint in Converting.checkpoints {
      let (folder, control) = (try TemporaryFolder(), RunControl())
      let plan = try Converting.plan(testData: checkpoint, recipe: "q8_0")
      try Converting.run(plan, in: folder, threads: 3, control: control)
      #expect(
        control.processedByteCount == plan.tensors.reduce(0) { $0 + $1.sourceByteCount })
    }
  }

  @Test func buffersAreAFewMebibytesAThread() throws {
    for checkpoint in Converting.checkpoints {
      let plan = try Converting.plan(testData: checkpoint, recipe: "source")
      let perThread = Conversion(plan, outputPath: "out.gguf", threadCount: 1).bufferByteCount
      let seven = Conversion(plan, outputPath: "out.gguf", threadCount: 7).bufferByteCount
      #expect(perThread < 8 << 20 && seven == 7 * perThread)
    }
  }

  // MARK: Failures on the way

  @Test func anInterruptedRunLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let control = RunControl()
    control.interrupt()
    let error = failure { try Converting.run(plan(), in: folder, control: control) }
    guard case .interrupted = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try folder.names().isEmpty)
    #expect(control.processedByteCount == 0)
  }

  @Test func anOutputThatCannotBeReplacedStaysAsItIs() throws {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try folder.write("out.gguf", [1, 2, 3])
    let broken = SmallLlama.builder("model.norm.weight", row: 0, column: 3, value: .nan)
    let plan = try Converting.plan(
      try broken.write("model", in: source), recipe: Converting.recipe("{rules: []}"))
    _ = failure { try Converting.run(plan, in: folder, overwrite: true) }
    #expect(try Converting.files(folder) == ["out.gguf": Data([1, 2, 3])])
  }

  @Test func aSourceThatShrinksIsAnInputErrorAndNothingIsLeft() throws {
    for threads in [1, 7] {
      let (source, output) = (try TemporaryFolder(), try TemporaryFolder())
      let model = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
        .write("model", in: source)
      let plan = try Converting.plan(model, recipe: Recipe.load("q8_0", target: .gguf))
      let handle = try FileHandle(forWritingTo: URL(filePath: model + "/model.safetensors"))
      try handle.truncate(atOffset: 500_000)
      try handle.close()
      let error = failure { try Converting.run(plan, in: output, threads: threads) }
      guard case .file(let file) = error, case .truncated = file.kind else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(file.path.hasSuffix("model.safetensors"))
      #expect(try output.names().isEmpty)
    }
  }

  /// A limit on the size of files stands for a full disk; it is set in a process of its own.
  @Test func aWriteThatFailsIsAnOutputErrorAndNothingIsLeft() async {
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      let folder = try TemporaryFolder()
      let plan = try Converting.plan(testData: "stories260K/f32", recipe: "q8_0")
      try #require(plan.outputByteCount > 100_000)
      #if canImport(Glibc)
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      #else
        try #require(setrlimit(RLIMIT_FSIZE, &limit) == 0)
      #endif
      let error = #expect(throws: ConversionError.self) { try Converting.run(plan, in: folder) }
      guard case .file(let file) = error, file.path.hasSuffix(".quern-partial") else { exit(1) }
      guard try folder.names().isEmpty else { exit(2) }
      exit(0)
    }
  }

  // MARK: Publishing

  private func outputs(_ folder: TemporaryFolder, _ plan: ConversionPlan) throws -> OutputFiles {
    var outputs = OutputFiles(
      folder: folder.url.path, names: plan.files.map(\.name), certificateName: Self.certificate)
    try outputs.check(overwrite: false, restart: false, sources: [])
    try outputs.create(plan, durable: false)
    return outputs
  }

  @Test func aFileThatAppearsMeanwhileStaysAndNothingOfOursDoes() throws {
    for name in ["out.gguf", "out.mtp.gguf", Self.certificate] {
      let folder = try TemporaryFolder()
      let outputs = try outputs(folder, plan(draft: .keep))
      _ = try folder.write(name, [5])
      let error = failure {
        try outputs.publish(
          certificate: { (file) throws(FileError) in try file.write([1], at: 0) },
          overwrite: false, durable: false)
      }
      guard case .cannotCreate = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      outputs.discard()
      #expect(try Converting.files(folder) == [name: Data([5])])
    }
  }

  @Test func aCertificateThatCannotBeWrittenPublishesNothing() throws {
    let folder = try TemporaryFolder()
    let outputs = try outputs(folder, plan(draft: .keep))
    let error = failure {
      try outputs.publish(
        certificate: { (file) throws(FileError) in throw FileError(file.path, .write, .noSpace) },
        overwrite: false, durable: false)
    }
    guard case .file(let file) = error, file.kind == .noSpace else {
      Issue.record("\(String(describing: error))")
      return
    }
    outputs.discard()
    #expect(try folder.names().isEmpty)
  }

  /// Whoever finds the first file finds everything else: a folder in its place stops the run last.
  @Test func theCertificateAndLaterFilesAppearBeforeTheFirst() throws {
    let folder = try TemporaryFolder()
    let outputs = try outputs(folder, plan(draft: .keep))
    try FileManager.default.createDirectory(
      atPath: folder.path("out.gguf/inside"), withIntermediateDirectories: true)
    let error = failure {
      try outputs.publish(
        certificate: { (file) throws(FileError) in try file.write([1], at: 0) },
        overwrite: true, durable: false)
    }
    #expect(error?.description.contains("out.gguf") ?? false)
    outputs.discard()
    #expect(try folder.names() == ["out.gguf", Self.certificate, "out.mtp.gguf"])
  }
}
