import Foundation
import QuernCertificates
import QuernContainers
import QuernConversion
import QuernTensors
import QuernTestSupport
import QuernVerification
import Testing

@Suite struct RuntimeVerificationTests {
  @Test(arguments: [Model.upstream, .base], ["w8a8", "w4a8"])
  func anAscendFolderPassesWithAndWithoutItsCertificate(_ model: Model, _ recipe: String) throws {
    let output = try ConvertedFolder(model, recipe)
    let certified = try output.verify()
    #expect(certified.failures == [])
    #expect(certified.mode == .certificateAndSource)
    #expect(try output.verify(against: false).failures == [])
    _ = try output.withoutCertificate()
    let measured = try output.verify()
    #expect(measured.failures == [])
    #expect(measured.rows.count == certified.rows.count)
    #expect(measured.rows.allSatisfy { $0.status == .passed })
    let structure = try output.verify(against: false)
    #expect(structure.failures == [])
    #expect(structure.mode == .structure)
  }

  @Test(arguments: ["w8a8"])
  func aCompressedTensorsFolderPassesWithAndWithoutItsCertificate(_ recipe: String) throws {
    let output = try ConvertedFolder(.stories, recipe, to: .compressedTensors)
    #expect(try output.verify().failures == [])
    _ = try output.withoutCertificate()
    #expect(try output.verify().failures == [])
    #expect(try output.verify(against: false).failures == [])
  }

  @Test func groupsOfFourBitsPass() throws {
    let recipe = try Recipe.parse(
      Array(
        """
        {rules: [{match: "role:attention", type: "w4a16_g32"},
          {match: "model.layers.1.mlp.gate_proj.weight", type: "w8a16_g64"},
          {match: "model.layers.1.mlp.up_proj.weight", type: "w8a16_g64"}]}
        """.utf8), name: "groups.json5", target: .compressedTensors)
    let output = try ConvertedFolder(.stories, recipe: recipe, to: .compressedTensors)
    let report = try output.verify()
    #expect(report.failures == [])
    #expect(report.products.map(\.type) == ["W4A16_G32", "W8A16_G64"])
    _ = try output.withoutCertificate()
    #expect(try output.verify().failures == [])
  }

  @Test func relaidWeightsPassAndAChangedByteOfThemDoesNot() throws {
    let output = try ConvertedFolder(
      .upstream, "w4a8", options: ConversionOptions(relayout: .nz))
    #expect(try output.verify().failures == [])
    let folder = URL(fileURLWithPath: output.path).appending(path: "nz")
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
    let file = folder.appending(path: name)
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 5000] ^= 1
    try bytes.write(to: file)
    let report = try output.verify()
    #expect(report.failures.contains { $0.found.contains("FRACTAL_NZ") && $0.tensor != nil })
  }

  @Test func fixedInputsPassAndTheirCorrectionsAreDerivedAgain() throws {
    let recipe = try Recipe.parse(
      Array(
        """
        {rules: [{match: "layers.?.attn.wq_b.weight", type: "w8a8_static"},
          {match: "layers.?.attn.wq_a.weight", type: "w8a16"}]}
        """.utf8), name: "static.json5", target: .ascend)
    let statistics = try TemporaryFolder()
    var builder = CalibrationBuilder()
    for layer in 0..<6 { builder.add("layers.\(layer).attn.wq_b.weight", range: -3...5) }
    let output = try ConvertedFolder(
      .upstream, recipe: recipe, calibration: Calibration(path: builder.write(to: statistics)))
    let report = try output.verify()
    #expect(report.failures == [])
    #expect(report.products.map(\.type) == ["W8A16", "W8A8_STATIC"])
    _ = try output.withoutCertificate()
    let measured = try output.verify()
    #expect(measured.failures == [])
    #expect(measured.products.map(\.type) == ["W8A16", "W8A8"])
    var files = try RuntimeFiles(output.path)
    files.each("layers.1.attn.wq_b.quant_bias") { $0.bytes[4 * 3] ^= 4 }
    try files.write()
    #expect(
      try output.verify().failures.map(\.tensor) == ["layers.1.attn.wq_b.quant_bias"])
  }

  // MARK: Files

  @Test func everyFlippedByteIsSeen() throws {
    let output = try ConvertedFolder(.upstream, "w4a8")
    let names = try FileManager.default.contentsOfDirectory(atPath: output.path).sorted()
    #expect(names.count == 7)
    for name in names {
      let file = URL(fileURLWithPath: output.path).appending(path: name)
      let bytes = try Data(contentsOf: file)
      for place in [0, 20, bytes.count / 3, bytes.count / 2, bytes.count - 2] {
        var changed = bytes
        changed[place] ^= 1
        try changed.write(to: file)
        let report = try output.verify()
        #expect(!report.isPassed, "\(name), byte \(place)")
      }
      try bytes.write(to: file)
    }
    #expect(try output.verify().isPassed)
  }

  @Test(arguments: ["extra.safetensors", "model.safetensors.index.json"])
  func aStrayFileThatTheRuntimeReadsFails(_ name: String) throws {
    let output = try ConvertedFolder(.upstream, "w8a8")
    try Data("{}".utf8).write(to: URL(fileURLWithPath: output.path).appending(path: name))
    #expect(try output.verify(against: false).failures.map(\.file) == [name])
  }

  @Test func anotherConfigurationIsShownWhereItDiffers() throws {
    let output = try ConvertedFolder(.upstream, "w8a8")
    let file = URL(fileURLWithPath: output.path).appending(path: "config.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    try text.replacing("\"vocab_size\"", with: "\"vocal_size\"").write(
      to: file, atomically: true, encoding: .utf8)
    let failures = try output.verify().failures
    #expect(
      failures.contains {
        $0.file == "config.json" && $0.what.hasPrefix("content, from byte")
          && $0.found.contains("vocal") && $0.expected.contains("vocab")
      })
  }

  @Test func aFileOfTheFolderStandsForIt() throws {
    let output = try ConvertedFolder(.upstream, "w8a8")
    let report = try Verification.run(output: output.path + "/config.json", against: nil)
    #expect(report.isPassed)
    #expect(report.mode == .certificate)
    #expect(throws: VerificationError.self) {
      try Verification.run(output: TestData.url("stories260K/f32").path, against: nil)
    }
  }

  // MARK: Products

  @Test func productsAreSummedUpByType() throws {
    let report = try ConvertedFolder(.upstream, "w4a8").verify()
    #expect(report.products.map(\.type) == ["W4A8_DYNAMIC", "W8A8_DYNAMIC"])
    for product in report.products {
      #expect(product.medianError > 0 && product.medianError <= product.worstError)
      #expect(product.worstError <= product.worstLimit)
      #expect(product.splitWeightCount > 0 && product.relaidWeightCount > 0)
    }
    let text = String(decoding: report.encoded(), as: UTF8.self)
    #expect(text.contains(#""splitWeights""#))
  }

  @Test func givenActivationsAreMultipliedWith() throws {
    let output = try ConvertedFolder(.upstream, "w8a8")
    let name = "layers.0.attn.wq_a.weight"
    let width = try #require(
      output.checkpoint.tensors.first { $0.name.text == name }?.shape.rowLength)
    let values = (0..<3 * width).map { Float($0 % 17) - (($0 % 31 == 0) ? 90 : 8) }
    func write(_ name: String, _ width: Int) throws -> String {
      let header = try SafetensorsHeader(
        tensors: [.init(TensorName(name), .f32, [values.count / width, width])], file: "x")
      let bytes = values.flatMap { value in
        withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
      }
      let path = output.folder.path("activations.safetensors")
      try Data(header.bytes + bytes).write(to: URL(fileURLWithPath: path))
      return path
    }
    let random = try output.verify()
    let given = try output.verify(
      options: VerificationOptions(activationsPath: write(name, width)))
    #expect(given.failures == [])
    #expect(given.products != random.products)
    let unknown = try output.verify(
      options: VerificationOptions(activationsPath: write("nobody", width)))
    #expect(unknown.notes.contains { $0.contains("nobody") })
    #expect(throws: VerificationError.self) {
      try output.verify(options: VerificationOptions(activationsPath: write(name, width / 2)))
    }
  }
}
