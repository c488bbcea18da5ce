import Foundation
import QuernCertificates
import QuernContainers
import QuernConversion
import QuernTestSupport
import Testing

@testable import QuernVerification

struct ReportTests {
  private static let parity = TestData.url("parity/decoded.json").path

  private func converted(_ model: Model = .upstream, _ recipe: String = "q4_0") throws
    -> ConvertedOutput
  {
    try ConvertedOutput(model, recipe: Recipe.load(recipe, target: .gguf))
  }

  @Test func figuresAreThoseOfTheCertificate() throws {
    let output = try converted()
    let page = try PageDocument(Report(of: [output.certificatePath]).html)
    let rows = output.certificate.rows
    let bytes = rows.reduce(0) { $0 + $1.byteCount }
    let weights = rows.reduce(0) { $0 + $1.elementCount }
    for text in [
      output.certificate.files.reduce(0) { $0 + $1.byteCount }.bytesText,
      (8 * Double(bytes) / Double(weights)).fixed(2),
      "\(rows.count { $0.classification == .exact }) of \(rows.count) tensors",
    ] {
      #expect(page.text.contains(text), "\(text)")
    }
    for kind in [CertificateRow.Class.exact, .bounded, .measured] {
      let count = rows.count { $0.classification == kind }
      #expect(count > 0 && page.text.contains("\(kind.rawValue)\(count)"))
    }
    let worst = try #require(
      rows.max { ($0.sums.relativeError ?? 0) < ($1.sums.relativeError ?? 0) })
    let sqnr = try #require(worst.sums.sqnrDecibels)
    #expect(page.texts["bdi"]?.contains(worst.name) == true)
    #expect(page.texts["td"]?.contains("\(sqnr.fixed(2)) dB") == true)
    #expect(page.texts["td"]?.contains(worst.sums.maxAbsError.significant(3)) == true)
  }

  @Test func figuresAreThoseOfTheParityRun() throws {
    let page = try PageDocument(Report(of: [Self.parity]).html)
    let cells = try #require(page.texts["td"])
    for text in [
      "0.0313 ± 0.0012", "0.00931", "0.279", "1.86", "94.71 ± 0.42 %", "8.64 ± 0.13",
      "8.43 ± 0.13", "+2.53 %", "4.61\u{a0}%", "3.97\u{a0}%", "0.998937", "97.31\u{a0}%",
      "99.02\u{a0}%",
    ] {
      #expect(cells.contains(text), "\(text)")
    }
    #expect(page.texts["title"]?.contains("layer 2, A out: 3.97\u{a0}%") == true)
    #expect(page.text.contains("adds 3.97\u{a0}% to the stream"))
    #expect(page.text.contains("4,096 in 8 sequences of 512, 2,040 of them scored"))
  }

  @Test func aSliceOfLayersShowsTheStreamAlone() throws {
    let page = try PageDocument(Report(of: [TestData.url("parity/layers.json").path]).html)
    #expect(page.texts["h2"]?.contains("Where it arises") == true)
    #expect(page.texts["h2"]?.contains("What the model says") == false)
  }

  @Test func aParityRunJoinsTheCertificateOfItsOutput() throws {
    let output = try converted()
    let integer = TestData.url("parity/integer.json").path
    let report = try Report(of: [Self.parity, output.path, integer])
    #expect(report.outputNames == ["out"])
    let other = try converted(.stories)
    // Two outputs of one name: neither lies where the parity run's does.
    let three = try Report(of: [output.path, other.path, Self.parity])
    #expect(three.outputNames == ["out", "out", "out"])
    _ = try PageDocument(three.html)
  }

  @Test func outputsAreNamedByFilesAndFolders() throws {
    let folder = try TemporaryFolder()
    let output = try converted(.stories)
    let bytes = Data(output.certificate.encoded())
    for name in ["moved.json", "quern-certificate.json"] {
      try bytes.write(to: folder.url.appending(path: name))
    }
    #expect(try Report(of: [folder.path("moved.json")]).outputNames == ["out"])
    #expect(
      try Report(of: [folder.url.path]).outputNames == [folder.url.lastPathComponent])
  }

  @Test func thePageIsTheSameEachTime() throws {
    let outputs = try [converted(), converted(.stories, "q8_0")]
    let paths = outputs.map(\.certificatePath) + [Self.parity]
    let pages = try (0..<3).map { _ in try Report(of: paths).html }
    #expect(Set(pages).count == 1)
  }

  @Test func thePageHasNoScriptAndLoadsNothing() throws {
    let output = try converted()
    let page = try PageDocument(Report(of: [output.path, Self.parity]).html)
    for name in ["script", "img", "link", "iframe", "object", "a", "form", "image"] {
      #expect(page.elements[name] == nil)
    }
    #expect(page.attributes["href"]?.allSatisfy { $0.hasPrefix("#") } == true)
    #expect(page.attributes.keys.allSatisfy { !$0.hasPrefix("on") && $0 != "src" && $0 != "style" })
    #expect(
      page.texts["style"]?.allSatisfy { !$0.contains("url(") && !$0.contains("@import") } == true)
    #expect(page.elements["table"] == page.elements["caption"])
  }

  /// Names of files, tensors, types and recipes in a certificate; of texts and models in a parity run.
  @Test func hostileNamesAreShownAsText() throws {
    let evil = "</title><script>x</script>\"'&\u{202e}\u{61c}"
    let folder = try TemporaryFolder()
    let output = try converted(.stories)
    let name = folder.path("c.json")
    var certificate = output.certificate
    (certificate.recipeName, certificate.architecture, certificate.repositoryID) =
      (evil, evil, "org/" + evil)
    certificate.files[0].name = "x\(evil.replacing("/", with: "∕")).gguf"
    for index in certificate.rows.indices {
      certificate.rows[index].name += evil
      certificate.rows[index].type = evil
      certificate.rows[index].role = evil
    }
    try Data(certificate.encoded()).write(to: URL(filePath: name))
    let escaped = #"</title><script>x</script>\"'&\u202e"#
    let parity = try String(contentsOfFile: Self.parity, encoding: .utf8)
      .replacing("built-in text", with: escaped).replacing("out.gguf", with: escaped)
      .replacing("upstream", with: escaped).replacing("quern 0.1.0", with: escaped)
    try Data(parity.utf8).write(to: folder.url.appending(path: "p.json"))
    let html = try Report(of: [name, folder.path("p.json")]).html
    let page = try PageDocument(html)
    #expect(page.elements["script"] == nil)
    #expect(!html.unicodeScalars.contains("\u{202e}") && !html.unicodeScalars.contains("\u{61c}"))
    #expect(page.text.contains("<script>x</script>"))
  }

  @Test(arguments: [
    (#""signal": "#, #""signal": -"#), (#""maxAbsError": 0."#, #""maxAbsError": -0."#),
    (#""version": 1"#, #""version": 2"#), ("quern-certificate", "quern-verification"),
    (#""unequal": "#, #""unequal": -1"#),
  ])
  func whatCannotBeDrawnIsRefused(old: String, new: String) throws {
    let output = try converted(.stories)
    let text = try String(contentsOfFile: output.certificatePath, encoding: .utf8)
    let folder = try TemporaryFolder()
    let path = try folder.write("c.json", Array(text.replacing(old, with: new).utf8))
    let error = #expect(throws: ReportError.self) { try Report(of: [path]) }
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: ["", "{}", "[]", "7", "{\"format\": 1}", "{\"format\": \"x\"}", "GGUF", "{"])
  func whatIsNeitherIsRefusedByName(text: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("what.json", Array(text.utf8))
    let error = #expect(throws: ReportError.self) { try Report(of: [path]) }
    #expect(error?.description.contains("what.json") == true)
  }

  /// The page of a model of experts in rows of their own grows with its layers, not with its tensors.
  @Test func aPageOfManyTensorsIsSmall() throws {
    let output = try converted(.stories)
    let folder = try TemporaryFolder()
    let row = try #require(output.certificate.rows.first { $0.sums.noise > 0 })
    var sizes: [Int] = []
    for experts in [2, 40] {
      var certificate = output.certificate
      certificate.rows = (0..<61).flatMap { layer in
        (0..<experts).map { expert in
          var copy = row
          copy.name = "model.layers.\(layer).mlp.experts.\(expert).w1.weight"
          copy.role = "routed-expert"
          return copy
        }
      }
      let path = try folder.write("c.json", certificate.encoded())
      let html = try Report(of: [path]).html
      sizes.append(html.utf8.count)
      #expect(try PageDocument(html).text.contains("of \((61 * experts).grouped) tensors"))
    }
    #expect(sizes[1] < sizes[0] + 1000)
  }
}
