import Foundation
import QuernCertificates
import QuernContainers
import QuernVerification
import Testing

/// Nothing that the certificate of a folder claims can be changed unseen.
@Suite struct RuntimeTamperingTests {
  typealias Change = @Sendable (inout CertificateRow) -> Void

  /// Of a matrix of four bits, whose parts are codes, scales, offsets and corrections.
  static let changes: [(String, Change)] = [
    ("part's name", { $0.stored[0].name += "x" }),
    ("part's ending", { $0.stored[1].name = $0.stored[2].name }),
    ("part's file", { $0.stored[1].file = 1 }), ("no file", { $0.stored[1].file = 99 }),
    ("impossible file", { $0.stored[1].file = .max }),
    ("part's type", { $0.stored[1].type = "BF16" }),
    ("unknown type", { $0.stored[1].type = "F8" }),
    ("part's shape", { $0.stored[0].shape[1] += 1 }),
    ("impossible shape", { $0.stored[0].shape = [.max, 2] }),
    ("no shape", { $0.stored[3].shape = [] }),
    ("no columns", { $0.stored[3].shape = [$0.shape[0], 0] }),
    ("part's offset", { $0.stored[2].offset += 4 }),
    ("impossible offset", { $0.stored[2].offset = .max }),
    ("part's bytes", { $0.stored[2].byteCount += 4 }),
    ("impossible bytes", { $0.stored[2].byteCount = .max }),
    ("a part less", { $0.stored.removeLast() }), ("no parts", { $0.stored = [] }),
    ("parts swapped", { $0.stored.swapAt(1, 2) }),
    ("a part twice", { $0.stored.append($0.stored[3]) }),
    ("exact rows", { $0.counts.exactRows = ($0.counts.exactRows ?? 0) + 1 }),
    ("no exact rows", { $0.counts.exactRows = nil }),
    ("fixed inputs", { $0.input = .init(scale: 1, offset: 0) }),
    ("rotation", { $0.isRotated.toggle() }),
    ("another format", { $0.type = "w8a8_dynamic" }), ("a number", { $0.type = "bf16" }),
    ("unknown format", { $0.type = "w2a8" }), ("another method", { $0.method = "absmax" }),
    ("impossible matrix", { $0.shape = [.max, .max] }), ("odd chunks", { $0.chunkRows = 1 }),
    ("no chunks", { $0.chunkRows = 0 }), ("impossible chunks", { $0.chunkRows = .max }),
    ("impossible parts", { $0.parts = .max }),
    ("offset", { $0.offset += 8 }), ("bytes", { $0.byteCount -= 8 }),
    ("hash", { $0.hash = String($0.hash.reversed()) }),
    ("noise", { $0.sums.noise = $0.sums.noise.nextUp }),
  ]

  @Test func everyClaimOfPartsIsChecked() throws {
    let output = try ConvertedFolder(.upstream, "w4a8")
    let url = URL(filePath: output.certificatePath)
    let text = try Data(contentsOf: url)
    let certificate = try Certificate(parsing: [UInt8](text), path: url.path)
    let row = try #require(
      certificate.rows.firstIndex { $0.name == "layers.0.ffn.experts.1.w2.weight" })
    #expect(certificate.rows[row].stored.count == 4)
    for (name, change) in Self.changes {
      var changed = certificate
      change(&changed.rows[row])
      try Data(changed.encoded()).write(to: url)
      #expect(try !output.verify().isPassed, "\(name)")
      // Nothing here may trap, whatever can be seen without the source.
      _ = try output.verify(against: false)
    }
    try text.write(to: url)
    #expect(try output.verify().isPassed)
  }
}
