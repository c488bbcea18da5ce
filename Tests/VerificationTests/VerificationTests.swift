import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTestSupport
import QuernVerification
import Testing

@Suite struct VerificationTests {
  @Test(arguments: Model.allCases, ["source", "q8_0", "q4_0"])
  func aSoundOutputPassesWithAndWithoutItsSource(_ model: Model, _ recipe: String) throws {
    try expectSound(ConvertedOutput(model, recipe))
  }

  /// Every built-in, on models that between them have rows of every length and the FP4 grid.
  @Test(arguments: [Model.storiesBF16, .upstream], Recipe.builtIns(target: .gguf).map(\.name))
  func aSoundOutputOfEveryBuiltInPasses(_ model: Model, _ recipe: String) throws {
    try expectSound(ConvertedOutput(model, recipe))
  }

  /// The reference rules too, on rows that all blocks divide.
  @Test(arguments: NumberFormat.allCases.filter { $0.blockElements > 1 })
  func aSoundOutputOfAReferenceRulePasses(_ format: NumberFormat) throws {
    let recipe = try Recipe.only(
      "*_exps.weight", format.rawValue,
      method: format.referenceMethod == .ggml ? "ggml" : "absmax")
    try expectSound(ConvertedOutput(.base, recipe: recipe))
  }

  private func expectSound(_ output: ConvertedOutput) throws {
    for against in [true, false] {
      let report = try output.verify(against: against)
      #expect(report.failures == [])
      #expect(report.mode == (against ? .certificateAndSource : .certificate))
      #expect(report.rows.count == output.certificate.rows.count)
      #expect(report.rows.allSatisfy { $0.status == .passed })
    }
  }

  /// The certificate says which tensors have data and which experts have none: no file is needed.
  @Test(arguments: ["q4_0", "iq4_nl", "q5_k_m"])
  func anOutputWithImportanceIsVerifiedWithoutTheData(_ recipe: String) throws {
    let plain = try ConvertedOutput(.upstream, recipe)
    // The draft model's file repeats embedding and head.
    let rows = plain.certificate.rows.filter {
      $0.file == 0 && $0.shape.count > 1 && $0.method != "copy"
    }
    let entries = rows.map { row in
      let experts = row.shape.count == 3 ? row.shape[0] : 1
      let width = row.shape[row.shape.count - 1]
      return ImatrixFixture.Entry(
        row.name, sums: (0..<experts * width).map { Float(1 + $0 * 7 % 13) },
        counts: (0..<experts).map { $0 % 3 == 1 ? 0 : 4 })
    }
    let folder = try TemporaryFolder()
    let path = try folder.write("data.gguf", try ImatrixFixture(entries).gguf())
    let output = try ConvertedOutput(
      .upstream, recipe: try Recipe.load(recipe, target: .gguf),
      importance: try Importance(path: path))
    #expect(output.certificate.planHash != plain.certificate.planHash)
    #expect(output.certificate.rows.contains { $0.importance?.unseenExpertCount ?? 0 > 1 })
    try expectSound(output)
    let hash = try #require(output.certificate.imatrix?.hash)
    for (old, new) in [(hash, String(hash.reversed())), ("data.gguf", "beta.gguf")] {
      var text = try String(contentsOfFile: output.certificatePath, encoding: .utf8)
      text.replace(old, with: new)
      let saved = try Data(contentsOf: URL(filePath: output.certificatePath))
      try Data(text.utf8).write(to: URL(filePath: output.certificatePath))
      #expect(try !output.verify().isPassed, "\(old)")
      try saved.write(to: URL(filePath: output.certificatePath))
    }
  }

  @Test func whatIsProvenAnewIsWhatTheCertificateSays() throws {
    let output = try ConvertedOutput(.upstream, "q4_0")
    let report = try output.verify()
    for (row, claim) in zip(report.rows, output.certificate.rows) {
      #expect(row.classification == claim.classification, "\(row.name)")
      #expect(row.sums == claim.sums, "\(row.name)")
    }
    let classes = Set(report.rows.compactMap(\.classification))
    #expect(classes == [.exact, .bounded, .measured])
  }

  @Test func anyPartOfASplitOutputStandsForAllOfIt() throws {
    let output = try ConvertedOutput(
      .stories, recipe: try Recipe.load("q8_0", target: .gguf),
      options: ConversionOptions(splitMaxByteCount: 200_000))
    let names = output.certificate.files.map(\.name)
    #expect(names.count > 2)
    for name in names + ["out.gguf"] {
      let report = try output.verify(file: name)
      #expect(report.failures == [], "\(name)")
      #expect(report.files == names)
    }
    try FileManager.default.removeItem(atPath: output.folder.path(names[1]))
    let report = try output.verify(against: false, file: names[0])
    #expect(report.failures.contains { $0.file == names[1] && $0.found == "no such file" })
  }

  @Test func theDraftModelsFileBelongsToTheOutput() throws {
    let output = try ConvertedOutput(.upstream, "q8_0")
    #expect(output.certificate.files.map(\.name) == ["out.gguf", "out.mtp.gguf"])
    #expect(try output.verify(file: "out.mtp.gguf").failures == [])
    let flipped = try output.withByteFlipped(at: 40_000, bit: 3, of: "out.mtp.gguf") {
      try output.verify(against: false)
    }
    #expect(flipped.failures.contains { $0.file == "out.mtp.gguf" })
  }

  @Test func anotherModelIsNotTheSource() throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    for model in [Model.storiesBF16, .upstream] {
      let report = try Verification.run(output: output.path, against: try model.open())
      #expect(!report.isPassed)
    }
  }

  @Test func aFileThatIsNotThereIsAnError() throws {
    let folder = try TemporaryFolder()
    #expect(throws: VerificationError.self) {
      try Verification.run(output: folder.path("none.gguf"))
    }
  }

  @Test func theReportIsJSON() throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    let bytes = try output.verify().encoded()
    let report = try JSONValue(parsing: bytes)
    #expect(report.object?["passed"]?.bool == true)
    #expect(report.object?["tensors"]?.array?.count == output.certificate.rows.count)
  }
}
