import Foundation
import QuernCertificates
import QuernContainers
import QuernLayouts
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What was written, decoded by loops over the bytes, beside the source and the certificate's claims.
struct WrittenIntegersTests {
  private static let group32 = """
    {rules: [{match: "*.down_proj.weight", type: "source"},
             {match: "role:attention", type: "w4a16_g32"},
             {match: "role:feed-forward", type: "w8a16_g64"}]}
    """
  private static let cases: [(String, String, ConversionTarget)] = [
    ("tiny-v4/upstream", "w8a8", .ascend), ("tiny-v4/upstream", "w4a8", .ascend),
    ("tiny-v4/base", "w4a8", .ascend), ("stories260K/f32", "w8a8", .ascend),
    ("stories260K/bf16-3shard", "w8a8", .compressedTensors),
    ("stories260K/f32", group32, .compressedTensors),
  ]

  private func module(_ row: CertificateRow) -> String {
    String(row.name.dropLast(".weight".count))
  }

  private func integers(_ certificate: Certificate) -> [CertificateRow] {
    certificate.rows.filter { !$0.stored.isEmpty }
  }

  private func convert(_ path: String, _ recipe: String, _ target: ConversionTarget = .ascend)
    throws -> (output: WrittenFolder, certificate: Certificate)
  {
    try Folders.convert(
      CheckpointBuilder(reading: TestData.url(path)), recipe, to: target,
      options: ConversionOptions(relayout: target == .ascend ? .nz : nil))
  }

  // MARK: Claims

  /// Sums as the certificate has them, but added up one after the other.
  private func claims(_ source: [Float], _ found: [Float], columns: Int) -> (ErrorSums, Int) {
    var sums = ErrorSums()
    var unequal = [Int](repeating: 0, count: source.count / columns)
    for index in source.indices {
      let (want, value) = (Double(source[index]), Double(found[index]))
      sums.signal += want * want
      sums.output += value * value
      sums.noise += (want - value) * (want - value)
      sums.maxAbsError = max(sums.maxAbsError, abs(want - value))
      if want != value { unequal[index / columns] += 1 }
    }
    sums.unequalCount = unequal.reduce(0, +)
    return (sums, unequal.count { $0 == 0 })
  }

  private func isClose(_ one: Double, _ other: Double) -> Bool {
    abs(one - other) <= 1e-10 * max(abs(one), abs(other))
  }

  @Test(arguments: cases)
  func certificatesClaimWhatTheBytesHold(path: String, recipe: String, target: ConversionTarget)
    throws
  {
    let (output, certificate) = try convert(path, recipe, target)
    let source = try Folders.convert(
      CheckpointBuilder(reading: TestData.url(path)), Folders.everythingF32, to: target
    ).output
    let rows = integers(certificate)
    #expect(rows.count >= 30)
    for row in rows {
      let values = try output.values(
        module(row), rows: row.shape[0], columns: row.shape[1], type: row.type)
      let (sums, exactRows) = claims(
        try source.floats(row.name), values, columns: row.shape[1])
      #expect(isClose(sums.signal, row.sums.signal) && isClose(sums.output, row.sums.output))
      #expect(isClose(sums.noise, row.sums.noise), "\(row.name)")
      #expect(sums.maxAbsError == row.sums.maxAbsError)
      #expect(sums.unequalCount == row.sums.unequalCount && exactRows == row.counts.exactRows)
      #expect((row.classification == .exact) == (sums.unequalCount == 0), "\(row.name)")
    }
  }

  /// All scales of a row of FP4 are at most a few powers of two apart: eight bits hold most rows.
  @Test func expertsOnTheGridHaveExactRowsInEightBits() throws {
    let certificate = try convert("tiny-v4/upstream", "w8a8").certificate
    let experts = certificate.rows.filter { $0.role == "routed-expert" }
    #expect(experts.count == 7 * 8 * 3)
    for row in experts {
      #expect(row.method == "grid-aware")
      let exactRows = try #require(row.counts.exactRows)
      #expect(exactRows > row.shape[0] / 2, "\(row.name): \(exactRows)")
    }
    let dense = certificate.rows.filter { $0.type == "w8a8_dynamic" && $0.role != "routed-expert" }
    #expect(dense.allSatisfy { $0.method == "optimal" && $0.counts.exactRows != nil })
  }

  // MARK: Derived tensors

  @Test(arguments: cases)
  func scalesArePositiveNumbersOfBF16AndOffsetsZero(
    path: String, recipe: String, target: ConversionTarget
  ) throws {
    let (output, certificate) = try convert(path, recipe, target)
    for row in integers(certificate) {
      let scales = try output.floats(module(row) + ".weight_scale")
      #expect(
        scales.allSatisfy { $0 > 0 && $0.isFinite && $0.bitPattern & 0xFFFF == 0 }, "\(row.name)")
      guard target == .ascend else { continue }
      #expect(try output.bytes(module(row) + ".weight_offset").allSatisfy { $0 == 0 })
    }
  }

  @Test func correctionsAreEightTimesTheSumOfEachRun() throws {
    let (output, certificate) = try convert("tiny-v4/upstream", "w4a8")
    let rows = integers(certificate).filter { $0.type == "w4a8_dynamic" }
    #expect(rows.count == 7 * 8 * 3)
    for row in rows {
      let columns = row.shape[1]
      let codes = try output.codes(module(row), columns: columns, type: row.type)
      let scales = try output.floats(module(row) + ".weight_scale")
      let found = try output.floats(module(row) + ".scale_bias")
      let runs = row.name.hasSuffix("w2.weight") ? 16 : 1
      #expect(found.count == row.shape[0] * runs)
      let length = columns / runs
      let wanted = found.indices.map { index in
        let sum = codes[index * length..<(index + 1) * length].reduce(0, +)
        return Float(8 * sum) * scales[index / runs]
      }
      #expect(found == wanted, "\(row.name)")
    }
  }

  @Test func theShapeOfPackedWordsIsThatOfTheMatrix() throws {
    let (output, certificate) = try convert("stories260K/f32", Self.group32, .compressedTensors)
    for row in integers(certificate) {
      #expect(try output.words(row.name + "_shape") == row.shape.map { UInt32($0) })
    }
  }

  // MARK: FRACTAL_NZ

  @Test(arguments: ["w8a8", "w4a8"])
  func everyCodeIsWhereTheLayoutHasIt(recipe: String) throws {
    let (output, certificate) = try convert("tiny-v4/upstream", recipe)
    let rows = integers(certificate)
    #expect(Set(output.relaid.keys) == Set(rows.map(\.name)))
    for row in rows where row.name.hasPrefix("layers.3.") {
      let (count, columns) = (row.shape[0], row.shape[1])
      let isFour = row.type == "w4a8_dynamic"
      let layout = try FractalNZ(isFour ? .int4 : .int8, rows: columns, columns: count)
      let bytes = try #require(output.relaid[row.name]).bytes
      #expect(bytes.count == layout.byteCount)
      let codes = try output.codes(module(row), columns: columns, type: row.type)
      var differences = 0
      for (index, code) in codes.enumerated() {
        let offset = layout.offset(row: index % columns, column: index / columns)
        let byte = bytes[isFour ? offset / 2 : offset]
        let found =
          isFour
          ? Int8(bitPattern: offset % 2 == 0 ? byte << 4 : byte) >> 4
          : Int8(bitPattern: byte)
        differences += Int(found) == code ? 0 : 1
      }
      #expect(codes.count == count * columns && differences == 0, "\(row.name)")
    }
  }

  /// Chunks write a run of every part: none may lie in the place of another.
  @Test func matricesOfManyChunksAreWholeInEveryPart() throws {
    let count = 20_011
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    let plan = try Folders.plan(
      Folders.feedForward(rows: count).write("model", in: source), "w8a8",
      options: ConversionOptions(relayout: .nz))
    let name = "model.layers.0.mlp.up_proj"
    let tensor = try #require(plan.tensors.first { $0.name == name + ".weight" })
    #expect(tensor.grid.chunkCount >= 3 && tensor.grid.chunkRows % 32 == 0)
    let certificate = try Folders.run(plan, in: folder)
    let output = try WrittenFolder(folder)
    let codes = try output.codes(name, columns: 32, type: "w8a8_dynamic")
    let layout = try FractalNZ(.int8, rows: 32, columns: count)
    let bytes = try #require(output.relaid[name + ".weight"]).bytes
    var differences = 0
    for (index, code) in codes.enumerated() {
      let offset = layout.offset(row: index % 32, column: index / 32)
      differences += Int(Int8(bitPattern: bytes[offset])) == code ? 0 : 1
    }
    #expect(codes.count == 32 * count && differences == 0)
    let row = try #require(certificate.rows.first { $0.name == name + ".weight" })
    let values = try output.values(name, rows: count, columns: 32, type: "w8a8_dynamic")
    let wanted = values.indices.map { Float($0 % 15 - 7) }
    let (sums, exactRows) = claims(wanted, values, columns: 32)
    #expect(isClose(sums.noise, row.sums.noise) && exactRows == row.counts.exactRows)
  }

  @Test func everyRelaidMatrixSaysWhatItIs() throws {
    let output = try convert("tiny-v4/upstream", "w4a8").output
    let file = try #require(output.files["nz/fractal_nz-00001-of-00001.safetensors"])
    let folder = try TemporaryFolder()
    let metadata = try SafetensorsFile(path: folder.write("nz", [UInt8](file))).metadata
    let expert = "layers.0.ffn.experts.0.w1.weight"
    #expect(
      metadata[expert] == #"{"aclFormat": 29, "dtype": "INT4", "C0": 64, "shape": [256, 128]}"#)
    #expect(metadata["layers.0.attn.wkv.weight"]?.contains(#""INT8", "C0": 32"#) ?? false)
  }

  // MARK: Rows of their own kind

  /// A row of zeros has a scale all the same, for it is multiplied and must be loaded.
  @Test(arguments: [
    (ConversionTarget.ascend, "w8a8_dynamic"), (.compressedTensors, "w4a16_g32"),
    (.compressedTensors, "w8a8"),
  ])
  func rowsOfZerosAreExact(target: ConversionTarget, type: String) throws {
    let name = "model.layers.0.mlp.down_proj"
    var builder = SmallLlama.builder()
    builder.change(name + ".weight") { bytes in
      bytes.replaceSubrange(4 * 5 * 64..<4 * 6 * 64, with: [UInt8](repeating: 0, count: 256))
    }
    let (output, certificate) = try Folders.convert(
      builder, #"{rules: [{match: "*.down_proj.weight", type: "\#(type)"}]}"#, to: target)
    let row = try #require(certificate.rows.first { $0.name == name + ".weight" })
    #expect(row.counts.exactRows ?? 0 >= 1)
    #expect(try output.floats(name + ".weight_scale").allSatisfy { $0 > 0 && $0.isNormal })
    let values = try output.values(name, rows: 32, columns: 64, type: type)
    #expect(values[5 * 64..<6 * 64].allSatisfy { $0 == 0 })
  }
}
