import Foundation
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernTensors
import QuernTestSupport
import QuernVerification
import Testing

/// Files without a certificate: measured against the source, or checked for structure alone.
@Suite struct ForeignFileTests {
  static let tiny = TestData.url("tiny-v4/llama.cpp.gguf").path

  @Test func llamaCppsTinyV4HasExactExpertsAndHalfAPercentOfErrorElsewhere() throws {
    let report = try Verification.run(output: Self.tiny, against: try Model.upstream.open())
    #expect(report.failures == [])
    #expect(report.mode == .source)
    let experts = report.rows.filter { $0.name.contains("_exps.weight") }
    #expect(experts.count == 18)
    #expect(experts.allSatisfy { $0.classification == .exact })
    let dense = report.rows.filter { $0.type == "Q8_0" }
    #expect(!dense.isEmpty)
    for row in dense {
      let error = row.sums.relativeError ?? 0
      #expect(error > 0.003 && error < 0.008, "\(row.name): \(error)")
    }
    #expect(report.worstRows(3).count == 3)
  }

  @Test func llamaCppsStoriesAreExact() throws {
    let path = TestData.url("stories260K/llama.cpp-f32.gguf").path
    let report = try Verification.run(output: path, against: try Model.stories.open())
    #expect(report.failures == [])
    #expect(report.rows.allSatisfy { $0.classification == .exact })
  }

  @Test func anotherModelIsSeen() throws {
    let stories = try Verification.run(output: Self.tiny, against: try Model.stories.open())
    #expect(stories.failures.contains { $0.found == "no such tensor" })
    #expect(stories.failures.contains { $0.found == "a tensor of no use" })
  }

  @Test(arguments: ["source", "q8_0", "q4_0", "nvfp4"])
  func anOutputWhoseCertificateIsGoneIsMeasured(_ recipe: String) throws {
    for model in Model.allCases {
      let output = try ConvertedOutput(model, recipe)
      try FileManager.default.removeItem(atPath: output.certificatePath)
      for file in output.certificate.files.map(\.name) {
        #expect(try output.verify(file: file).failures == [], "\(model) \(file)")
        #expect(try output.verify(against: false, file: file).mode == .structure)
      }
    }
  }

  @Test func aBadScaleIsSeenWithoutAnySource() throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    try FileManager.default.removeItem(atPath: output.certificatePath)
    let file = try GGUFFile(path: output.path)
    let tensor = try #require(file.tensors.first { $0.type == .q8_0 })
    var bytes = try Data(contentsOf: URL(filePath: output.path))
    bytes[tensor.range.offset + 1] = 0x7c
    bytes[tensor.range.offset] = 1
    bytes[tensor.range.offset + 2] = 1
    try bytes.write(to: URL(filePath: output.path))
    let report = try output.verify(against: false)
    #expect(report.failures.map(\.tensor) == [tensor.name.text])
  }

  @Test func aFileThatIsNoGGUFIsAnErrorWithoutACertificateAndAFailureWithOne() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("out.gguf", Array("nothing of the kind".utf8))
    #expect(throws: VerificationError.self) { try Verification.run(output: path) }
    let output = try ConvertedOutput(.stories, "q8_0")
    try Data("nothing of the kind".utf8).write(to: URL(filePath: output.path))
    #expect(try !output.verify().isPassed)
    #expect(try !output.verify(against: false).isPassed)
  }
}
