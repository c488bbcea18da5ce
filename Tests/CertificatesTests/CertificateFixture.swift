import QuernCertificates
import QuernContainers

/// A certificate with every optional field, and text that needs escaping.
enum CertificateFixture {
  static func row(_ name: String = "blk.0.attn_q.weight") -> CertificateRow {
    var sums = ErrorSums()
    (sums.signal, sums.output, sums.noise, sums.maxAbsError) = (1.25, 1.1, 0.1, 0.1 + 0.2)
    (sums.unequalCount, sums.lostSignCount) = (3, 1)
    var counts = CertificateRow.Counts()
    (counts.zeroBlocks, counts.subnormalScales) = (1, 2)
    return CertificateRow(
      name: name, file: 0, role: "attention", type: "q8_0", method: "absmax", shape: [2, 64],
      sources: [
        .init(
          name: "a\"\u{7f}\n", file: "x", encoding: "F32", rows: [2, 4], hash: "aa", scaleHash: "bb"
        ),
        .init(name: "é", file: "x", encoding: "F32", rows: nil, hash: "aa", scaleHash: nil),
      ],
      sums: sums, errorBound: nil, counts: counts, offset: 64, byteCount: 136, parts: 2,
      chunkRows: 1, hash: "cc")
  }

  static func certificate(rows: [CertificateRow] = [row()]) throws -> Certificate {
    var recipe = JSONObject()
    recipe.set("rules", .array([]))
    return Certificate(
      toolVersion: "1.2.3", target: "gguf", architecture: "llama", recipeName: "q8_0",
      recipe: recipe, options: JSONObject(), repositoryID: "org/name", revision: "abc",
      sourceFiles: [.init(name: "model.safetensors", byteCount: 7, headerHash: "dd")],
      planHash: "ee",
      files: [
        .init(name: "out.gguf", byteCount: 200, headerByteCount: 64, headerHash: "ff", hash: "00")
      ],
      rows: rows, dropped: [("mtp.0.x", "not asked for")])
  }
}
