import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernVerification

struct ParityFileTests {
  private func text(_ name: String = "decoded.json") throws -> String {
    try String(contentsOf: TestData.url("parity/\(name)"), encoding: .utf8)
  }

  private func read(_ text: String) throws -> ParityFile {
    try ParityFile(parsing: Array(text.utf8), path: "p.json")
  }

  @Test func everyFigureIsRead() throws {
    let parity = try read(text())
    #expect(parity.output.name == "out.gguf" && parity.mode == .decoded)
    #expect(parity.tokens.count == 4096 && parity.tokens.scored == 2040)
    #expect(parity.layers.map(\.layer) == [0, 1, 2, 3])
    #expect(parity.layers[2].relativeError == 0.0461 && parity.layers[2].ownCosine == 0.99921195)
    #expect(parity.layers[0].router == nil && parity.layers[1].router?.carried == 0.9912)
    #expect(parity.layers[2].indexer?.own == 0.9902)
    #expect(parity.worstLayer?.layer == 2)
    let result = try #require(parity.result)
    #expect(result.divergence.mean.value == 0.03127 && result.divergence.max == 1.8623)
    #expect(result.sameTop.standardError == 0.0042)
    #expect(result.checkpointPerplexity.value == 8.4312 && result.outputPerplexity.value == 8.6441)
  }

  @Test func aSliceOfLayersHasNoResult() throws {
    #expect(try read(text("layers.json")).result == nil)
  }

  /// Each change makes a file that is refused, with the field named.
  @Test(arguments: [
    (#""version": 1"#, #""version": 2"#, "version"), (#""quern-parity""#, #""other""#, "format"),
    (#""layer": 1,"#, #""layer": 0,"#, "layers[1].layer"),
    (#""layer": 1,"#, #""layer": -1,"#, "layers[1].layer"),
    (#""layer": 3,"#, #""layer": 99999,"#, "layers[3].layer"),
    (#""relative_error": 0.0187"#, #""relative_error": -0.0187"#, "layers[1].relative_error"),
    (#""relative_error": 0.0187"#, #""relative_error": null"#, "layers[1].relative_error"),
    (#""cosine": 0.99982516"#, #""cosine": 1.5"#, "layers[1].cosine"),
    (#""agreement": 0.9912"#, #""agreement": 2"#, "layers[1].router.agreement"),
    (#""scored": 2040"#, #""scored": -2040"#, "tokens.scored"),
    (#""scored": 2040"#, #""scored": 2040.5"#, "tokens.scored"),
    (#""mode": "decoded""#, #""mode": "other""#, "output.mode"),
    (#""fraction": 0.9471"#, #""fraction": "0.9471""#, "result.same_top.fraction"),
    (#""p99": 0.2794"#, #""p98": 0.2794"#, "result.kl.p99"),
    (#""standard_error": 0.0042"#, #""standard_error": -1"#, "result.same_top.standard_error"),
    (#""value": 8.4312"#, #""value": NaN"#, "malformed JSON"),
    (#""value": 8.4312"#, #""value": 1e999"#, "malformed JSON"),
    (#""scored": 2040"#, #""scored": 2040, "scored": 2040"#, "duplicate key"),
  ])
  func malformedFilesAreRefused(old: String, new: String, field: String) throws {
    let text = try text()
    let changed = text.replacing(old, with: new)
    try #require(changed != text)
    let problem = #expect(throws: InputProblem.self) { try read(changed) }
    #expect(problem?.description.contains(field) == true, "\(String(describing: problem))")
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = Array(try text().utf8)
    for count in stride(from: 0, to: bytes.count - 2, by: 11) {
      #expect(throws: InputProblem.self) {
        try ParityFile(parsing: Array(bytes[..<count]), path: "p.json")
      }
    }
  }
}
