import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernCertificates

struct CertificateReaderTests {
  private func read(_ text: String) throws -> Certificate {
    try Certificate(parsing: Array(text.utf8), path: "c.json")
  }

  private func text() throws -> String {
    String(decoding: try CertificateFixture.certificate().encoded(), as: UTF8.self)
  }

  @Test func whatIsWrittenIsRead() throws {
    let certificate = try CertificateFixture.certificate()
    let read = try Certificate(parsing: certificate.encoded(), path: "c.json")
    #expect(read == certificate)
    #expect(read.rows == certificate.rows)
    #expect(read.rows[0].sums.maxAbsError == 0.1 + 0.2)
    #expect(read.toolVersion == "1.2.3")
    #expect(read.dropped.map(\.name) == ["mtp.0.x"])
    #expect(read.repositoryID == "org/name" && read.revision == "abc")
  }

  @Test func doublesSurviveToTheLastBit() throws {
    var generator = SeededGenerator(seed: 5)
    var rows: [CertificateRow] = []
    for index in 0..<200 {
      var row = CertificateFixture.row("t\(index)")
      let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))
      row.sums.signal = value.isFinite ? abs(value) : 0
      row.sums.noise = Double.random(in: 0...1, using: &generator)
      rows.append(row)
    }
    let read = try Certificate(
      parsing: CertificateFixture.certificate(rows: rows).encoded(), path: "c.json")
    #expect(read.rows == rows)
  }

  @Test func severalRowsAreOneLineEach() throws {
    let rows = (0..<500).map { CertificateFixture.row("blk.\($0).ffn_up.weight") }
    let certificate = try CertificateFixture.certificate(rows: rows)
    var pieces = 0
    certificate.write { (_) throws(Never) in pieces += 1 }
    #expect(pieces > 1)
    let lines = String(decoding: certificate.encoded(), as: UTF8.self).split(separator: "\n")
    #expect(lines.count { $0.contains("ffn_up.weight") } == 500)
    #expect(try Certificate(parsing: certificate.encoded(), path: "c.json").rows == rows)
  }

  /// Each change to a valid certificate makes it a malformed one: an error, never a trap.
  @Test(arguments: [
    (#""quern-certificate""#, #""other""#), (#""version": 1"#, #""version": 2"#),
    (#""version": 1"#, #""version": "1""#), (#""target": "gguf""#, #""target": 7"#),
    (#""sourceFiles""#, #""sources_""#), (#""tensors""#, #""rows_""#),
    (#""dropped""#, #""dropped_""#), (#""reason""#, #""reason_""#),
    (#""plan": "ee""#, #""plan": 1"#),
    (#""file": 0"#, #""file": 1"#), (#""file": 0"#, #""file": -1"#),
    (#""parts": 2"#, #""parts": 0"#),
    (#""chunkRows": 1"#, #""chunkRows": 0"#), (#""chunkRows": 1"#, #""chunkRows": -4"#),
    (#""offset": 64"#, #""offset": -64"#), (#""offset": 64"#, #""offset": 9223372036854775807"#),
    (#""bytes": 136"#, #""bytes": -136"#), (#""bytes": 200"#, #""bytes": -1"#),
    (#""headerBytes": 64"#, #""headerBytes": -1"#),
    ("[2, 64]", "[-2, 64]"), ("[2, 64]", "[2, 64.5]"), ("[2, 64]", "64"),
    ("[2, 64]", "[4611686018427387904, 4]"), ("[2, 64]", "[4611686018427387904, 4, 0]"),
    (#""class": "measured""#, #""class": "exact""#), (#""unequal": 3"#, #""unequal": "3""#),
    (#""zeroBlocks": 1"#, #""zeroBlocks": 1.5"#), (#""out.gguf""#, #""../out.gguf""#),
    (#""out.gguf""#, #""/etc/passwd""#), (#""out.gguf""#, #""""#), (#""out.gguf""#, #""..""#),
    (#""out.gguf""#, #""a\u0000b""#), (#""parts": 2"#, #""parts": 2, "parts": 2"#),
    (#""parts": 2"#, #""parts": 2,"#), (#""unequal": 3"#, #""unequal": -3"#),
    (#""hash": "cc""#, #""hash": null"#), (#""options": {}"#, #""options": []"#),
  ])
  func malformedCertificatesAreRefused(old: String, new: String) throws {
    let text = try text()
    let changed = text.replacing(old, with: new)
    try #require(changed != text, "\(old) is not in the certificate")
    #expect(throws: InputProblem.self) { try read(changed) }
  }

  @Test(arguments: [
    "", "null", "[]", "{}", "{\"tensors\": [1]}", "{\"tensors\": {}}", "\u{feff}{}",
  ])
  func whatIsNoCertificateIsRefused(text: String) {
    #expect(throws: InputProblem.self) { try read(text) }
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try CertificateFixture.certificate().encoded()
    for count in stride(from: 0, to: bytes.count - 1, by: 7) {
      #expect(throws: InputProblem.self) {
        try Certificate(parsing: Array(bytes[..<count]), path: "c.json")
      }
    }
  }

  @Test func aFileThatIsNotThereIsUnreadable() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: CertificateError.self) {
      try Certificate(path: folder.path("none.json"))
    }
    guard case .unreadable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
