import Foundation
import QuernCertificates
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// W8A8 whose inputs have a fixed scale and offset, found in calibration data.
struct StaticActivationTests {
  private static let recipe = #"{rules: [{match: "*.down_proj.weight", type: "w8a8_static"}]}"#
  private static let module = "model.layers.0.mlp.down_proj"

  private func calibration(_ range: ClosedRange<Float>?, in folder: TemporaryFolder) throws
    -> Calibration
  {
    var builder = CalibrationBuilder()
    if let range { builder.add(Self.module + ".weight", range: range) }
    builder.add("another.weight", range: -1...1)
    return try Calibration(path: builder.write(to: folder))
  }

  private func convert(_ range: ClosedRange<Float>) throws -> (WrittenFolder, Certificate) {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    let plan = try Folders.plan(
      SmallLlama.builder().write("model", in: source), Self.recipe,
      calibration: calibration(range, in: source))
    let certificate = try Folders.run(plan, in: folder)
    return (try WrittenFolder(folder), certificate)
  }

  /// scale = (high − low) / 255 up to a number of BF16, offset = round(−low / scale) − 128, 0 being in
  /// the range. 4/255 = 1.00392 · 2^-6, of which BF16 has 1 and 1.0078.
  @Test(arguments: [
    (Float(-1), Float(3), Float(0x1.02p-6), -64), (0, 255, 1, -128), (-255, 0, 1, 127),
    (2, 255, 1, -128), (-255, -4, 1, 127), (-127.5, 127.5, 1, 0), (-1, 254.5, 0x1.02p0, -127),
  ])
  func scaleAndOffsetFollowFromTheRange(low: Float, high: Float, scale: Float, offset: Int) throws {
    let (output, certificate) = try convert(low...high)
    let row = try #require(certificate.rows.first { $0.name == Self.module + ".weight" })
    #expect(row.input == CertificateRow.Input(scale: scale, offset: offset))
    #expect(try output.floats(Self.module + ".input_scale") == [scale])
    #expect(try output.floats(Self.module + ".input_offset") == [Float(offset)])
  }

  /// Calibration names weights as GGUF does; a name of the runtime's own comes first.
  @Test func theRangeMayStandUnderTheNameOfGGUF() throws {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    var builder = CalibrationBuilder()
    builder.add("blk.0.ffn_down.weight", range: -255...0)
    builder.add("blk.0.ffn_up.weight", range: -1...1)
    let plan = try Folders.plan(
      SmallLlama.builder().write("model", in: source), Self.recipe,
      calibration: Calibration(path: builder.write(to: source)))
    let row = try #require(
      try Folders.run(plan, in: folder).rows.first { $0.name == Self.module + ".weight" })
    #expect(row.input == CertificateRow.Input(scale: 1, offset: 127))
    builder.add(Self.module + ".weight", range: 0...255)
    let other = try Folders.plan(
      SmallLlama.builder().write("again", in: source), Self.recipe,
      calibration: Calibration(path: builder.write(to: source, "both.safetensors")))
    #expect(
      other.tensors.first { $0.name == Self.module + ".weight" }?.activation
        == StaticActivation(scale: 1, offset: -128))
  }

  @Test func derivedTensorsAreThoseOfTheCodes() throws {
    let (output, certificate) = try convert(-1...3)
    let row = try #require(certificate.rows.first { $0.name == Self.module + ".weight" })
    let input = try #require(row.input)
    #expect(
      row.stored.map(\.name)
        == ["weight", "deq_scale", "quant_bias"].map { "\(Self.module).\($0)" })
    #expect(row.stored.map(\.type) == ["I8", "F32", "I32"])
    #expect(row.stored.map(\.shape) == [[32, 64], [32], [32]])
    let codes = try output.codes(Self.module, columns: 64, type: row.type)
    let products = try output.floats(Self.module + ".deq_scale")
    let biases = try output.words(Self.module + ".quant_bias").map { Int(Int32(bitPattern: $0)) }
    var noise = 0.0
    for (row, product) in products.enumerated() {
      let range = row * 64..<(row + 1) * 64
      #expect(biases[row] == -input.offset * codes[range].reduce(0, +))
      // The weight's own scale, a number of BF16, times the input's.
      let weightScale = BF16Scale(nearest: product / input.scale)
      #expect(product == input.scale * weightScale.value)
      for index in range {
        let difference =
          Double(index % 15 - 7) - Double(Float(codes[index]) * (product / input.scale))
        noise += difference * difference
      }
    }
    #expect(abs(noise - row.sums.noise) <= 1e-9 * noise)
    #expect(output.parts.keys.allSatisfy { !$0.hasSuffix("weight_scale") })
  }

  private struct BF16Scale {
    let value: Float
    init(nearest value: Float) {
      self.value = Float(bitPattern: (value.bitPattern &+ 0x8000) & 0xFFFF_0000)
    }
  }

  @Test func theDescriptionHasTheTypeOfAllOfThem() throws {
    let (output, _) = try convert(-1...3)
    let description = try output.json("quant_model_description.json")
    #expect(description["model_quant_type"]?.string == "W8A8")
    for leaf in ["weight", "deq_scale", "quant_bias", "input_scale", "input_offset"] {
      #expect(description["\(Self.module).\(leaf)"]?.string == "W8A8", "\(leaf)")
    }
    #expect(Set(output.parts.keys).isSubset(of: Set(description.members.map(\.key))))
  }

  private func refusal(_ builder: CheckpointBuilder, _ range: ClosedRange<Float>?) throws -> String
  {
    let folder = try TemporaryFolder()
    return try Folders.refusal(
      builder, Self.recipe, calibration: calibration(range, in: folder))
  }

  @Test func aWeightWithoutARangeIsRefused() throws {
    let text = try refusal(SmallLlama.builder(), nil)
    #expect(text.contains(Self.module) && text.contains("NAME.range"), "\(text)")
  }

  @Test func anEmptyRangeIsRefused() throws {
    let text = try refusal(SmallLlama.builder(), 0...0)
    #expect(text.contains("a range that is not empty"), "\(text)")
  }

  /// The largest range there is has a scale; times the scales of its weights it must stay a number.
  @Test func scalesWhoseProductNoNumberHoldsAreRefused() throws {
    let largest = Float.greatestFiniteMagnitude
    let large = SmallLlama.builder(Self.module + ".weight", row: 5, column: 40, value: 1e38)
    #expect(try refusal(large, -largest...largest).contains("row 5"))
    #expect(try refusal(SmallLlama.builder(), -largest...largest) == "no error")
    #expect(try refusal(SmallLlama.builder(), 0...1e-36) != "no error")
  }

  /// The runtime has room for one scale: the last that is loaded.
  @Test func membersOfAFusedModuleHaveOneRangeOfInputs() throws {
    let folder = try TemporaryFolder()
    var texts: [String] = []
    for low in [Float(-1), -2] {
      var statistics = CalibrationBuilder()
      statistics.add("model.layers.0.mlp.gate_proj.weight", range: -1...1)
      statistics.add("model.layers.0.mlp.up_proj.weight", range: low...1)
      texts.append(
        try Folders.refusal(
          SmallLlama.builder(),
          #"{rules: [{match: "*.gate_proj.*", type: "w8a8_static"}, "#
            + #"{match: "*.up_proj.*", type: "w8a8_static"}]}"#,
          calibration: Calibration(path: statistics.write(to: folder))))
    }
    #expect(texts[0] == "no error")
    #expect(texts[1].contains("gate_up_proj") && texts[1].contains("ranges"), "\(texts[1])")
  }

  /// The runtime would not add it.
  @Test func aModuleWithABiasIsRefused() throws {
    let folder = try TemporaryFolder()
    let name = "model.layers.0.self_attn.q_proj.weight"
    var statistics = CalibrationBuilder()
    for projection in ["q", "k", "v", "o"] {
      for layer in 0..<3 {
        statistics.add("model.layers.\(layer).self_attn.\(projection)_proj.weight", range: -1...1)
      }
    }
    let text = try Folders.refusal(
      CheckpointBuilder(family: "qwen2"),
      #"{rules: [{match: "*.self_attn.?_proj.weight", type: "w8a8_static"}]}"#,
      calibration: Calibration(path: statistics.write(to: folder)))
    #expect(text.contains(name) && text.contains("q_proj.bias"), "\(text)")
  }
}
