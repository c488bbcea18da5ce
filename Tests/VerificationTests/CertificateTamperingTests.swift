import Foundation
import QuernCertificates
import QuernContainers
import QuernVerification
import Testing

/// Nothing a certificate claims can be changed unseen.
@Suite struct CertificateTamperingTests {
  /// Replaces the first occurrence behind a tensor's name, or in the whole text.
  private func tamper(_ output: ConvertedOutput, _ change: (inout Certificate) -> Void) throws {
    var certificate = output.certificate
    change(&certificate)
    try Data(certificate.encoded()).write(to: URL(filePath: output.certificatePath))
  }

  typealias Change = @Sendable (inout Certificate) -> Void

  static let row = 3
  static let figures: [(String, Change)] = [
    ("name", { $0.rows[row].name += "x" }), ("role", { $0.rows[row].role = "norm" }),
    ("type", { $0.rows[row].type = "q4_0" }), ("method", { $0.rows[row].method = "copy" }),
    ("shape", { $0.rows[row].shape = [$0.rows[row].shape[0] * $0.rows[row].shape[1]] }),
    ("impossible shape", { $0.rows[row].shape = [.max, 2] }),
    ("no shape", { $0.rows[row].shape = [] }), ("empty shape", { $0.rows[row].shape = [0, .max] }),
    ("impossible offset", { $0.rows[row].offset = .max }),
    ("impossible bytes", { $0.rows[row].byteCount = .max }),
    ("impossible parts", { $0.rows[row].parts = .max }),
    ("impossible chunks", { $0.rows[row].chunkRows = .max }),
    ("signal", { $0.rows[row].sums.signal = $0.rows[row].sums.signal.nextUp }),
    ("output", { $0.rows[row].sums.output = $0.rows[row].sums.output.nextDown }),
    ("noise", { $0.rows[row].sums.noise = $0.rows[row].sums.noise.nextUp }),
    ("maxAbsError", { $0.rows[row].sums.maxAbsError = $0.rows[row].sums.maxAbsError.nextUp }),
    ("unequal", { $0.rows[row].sums.unequalCount += 1 }),
    ("lostSigns", { $0.rows[row].sums.lostSignCount += 1 }),
    ("zeroBlocks", { $0.rows[row].counts.zeroBlocks += 1 }),
    ("subnormalScales", { $0.rows[row].counts.subnormalScales += 1 }),
    ("zeroedNonFinite", { $0.rows[row].counts.zeroedNonFinite += 1 }),
    ("errorBound", { $0.rows[row].errorBound = 1e9 }),
    (
      "class",
      {
        $0.rows[row].sums.unequalCount = 0
        $0.rows[row].sums.noise = 0
        $0.rows[row].sums.maxAbsError = 0
        $0.rows[row].sums.signal = $0.rows[row].sums.output
      }
    ),
    ("offset", { $0.rows[row].offset += 32 }), ("bytes", { $0.rows[row].byteCount += 32 }),
    ("parts", { $0.rows[row].parts += 1 }), ("chunkRows", { $0.rows[row].chunkRows -= 1 }),
    ("hash", { $0.rows[row].hash = String($0.rows[row].hash.reversed()) }),
    ("source name", { $0.rows[row].sources[0].name += "x" }),
    ("source file", { $0.rows[row].sources[0].file += "x" }),
    ("source encoding", { $0.rows[row].sources[0].encoding = "F16" }),
    ("source rows", { $0.rows[row].sources[0].rows = [0, 1] }),
    ("source hash", { $0.rows[row].sources[0].hash = $0.rows[row].hash }),
    ("source scales", { $0.rows[row].sources[0].scaleHash = $0.rows[row].hash }),
    ("a row less", { $0.rows.removeLast() }), ("rows swapped", { $0.rows.swapAt(3, 4) }),
    ("file name", { $0.files[0].name = "other.gguf" }),
    ("path", { $0.files[0].name = "../out.gguf" }),
    ("file size", { $0.files[0].byteCount += 32 }),
    ("header size", { $0.files[0].headerByteCount += 32 }),
    ("huge header", { $0.files[0].headerByteCount = .max }),
    ("header hash", { $0.files[0].headerHash = $0.files[0].hash }),
    ("file hash", { $0.files[0].hash = $0.files[0].headerHash }),
    ("source file name", { $0.sourceFiles[0].name = "x.safetensors" }),
    ("source file size", { $0.sourceFiles[0].byteCount += 1 }),
    ("source header hash", { $0.sourceFiles[0].headerHash = $0.planHash }),
    ("plan", { $0.planHash = $0.files[0].hash }), ("target", { $0.target = "cpu" }),
    ("architecture", { $0.architecture = "qwen2" }),
    ("repository", { $0.repositoryID = "some/one" }),
    ("folder", { $0.options.set("folderName", .string("g32")) }),
    ("recipe", { $0.recipe.set("rules", .array([])) }),
    ("option", { $0.options.set("nan", .string("zero")) }),
    ("unknown option", { $0.options.set("more", .integer(1)) }),
    ("dropped", { $0.dropped.append((name: "x", reason: "y")) }),
  ]

  @Test func everyClaimIsCheckedAgainstTheSource() throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    #expect(output.certificate.rows[Self.row].classification == .measured)
    #expect(output.certificate.rows[Self.row].sources.count == 1)
    for (name, change) in Self.figures {
      try tamper(output, change)
      #expect(try !output.verify().isPassed, "\(name)")
      // Nothing here may trap, whatever can be seen without the source.
      _ = try output.verify(against: false)
    }
    try tamper(output) { _ in }
    #expect(try output.verify().isPassed)
  }

  @Test(arguments: [
    ("\"sqnr\": ", "\"sqnr\": 1"), ("\"cosine\": 0", "\"cosine\": 1"),
    ("\"class\": \"measured\"", "\"class\": \"exact\""), ("\"tool\": ", "\"note\": 1, \"tool\": "),
    ("{", ""), ("\n", "\n\n"),
  ])
  func theTextOfACertificateIsItsOwn(_ old: String, _ new: String) throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    var text = try String(contentsOfFile: output.certificatePath, encoding: .utf8)
    let range = try #require(text.range(of: old))
    text.replaceSubrange(range, with: new)
    try text.write(toFile: output.certificatePath, atomically: false, encoding: .utf8)
    #expect(try !output.verify(against: false).isPassed)
    #expect(try !output.verify().isPassed)
  }
}
