import Foundation
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernTestSupport
import QuernVerification
import Testing

@Suite struct VerificationTests {
  @Test(arguments: Model.allCases, ["source", "q8_0", "q4_0"])
  func aSoundOutputPassesWithAndWithoutItsSource(_ model: Model, _ recipe: String) throws {
    let output = try ConvertedOutput(model, recipe)
    for against in [true, false] {
      let report = try output.verify(against: against)
      #expect(report.failures == [])
      #expect(report.mode == (against ? .certificateAndSource : .certificate))
      #expect(report.rows.count == output.certificate.rows.count)
      #expect(report.rows.allSatisfy { $0.status == .passed })
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
      .stories, recipe: try Recipe.load("q8_0", target: "gguf"),
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
