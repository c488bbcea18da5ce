import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// The small files of an output folder.
struct RuntimeFolderTests {
  private static let texts = [
    "tokenizer.json", "tokenizer_config.json", "generation_config.json", "modeling_small.py",
    "vocab.txt", "chat_template.jinja", "tokenizer.model", "LICENSE", "README.txt",
  ]
  private static let others = [
    "pytorch_model.bin.index.json", "training_args.bin", "old.certificate.json", "README.md",
    "picture.png", ".gitattributes",
  ]

  private func builder(config: String? = nil) -> CheckpointBuilder {
    var builder = SmallLlama.builder()
    if let config {
      builder.config = builder.config?.replacing("\"vocab_size\"", with: config + "\"vocab_size\"")
    }
    for name in Self.texts { builder.files[name] = Array("{\"file\": \"\(name)\"}".utf8) }
    return builder
  }

  @Test(arguments: [ConversionTarget.ascend, .compressedTensors])
  func smallFilesAreCopiedAsTheyAre(target: ConversionTarget) throws {
    let source = builder()
    let output = try Folders.convert(source, "w8a8", to: target).output
    for name in Self.texts {
      #expect(output.files[name].map { [UInt8]($0) } == source.files[name], "\(name)")
    }
  }

  /// What says how the source's weights are stored would be believed of the output's.
  @Test func filesAboutTheSourcesWeightsAreNotCopied() throws {
    let (source, folder) = (try TemporaryFolder(), try TemporaryFolder())
    var builder = builder()
    builder.shardCount = 2
    for name in Self.others { builder.files[name] = Array("{}".utf8) }
    let path = try builder.write("model", in: source)
    try FileManager.default.createDirectory(
      atPath: path + "/folder.json", withIntermediateDirectories: true)
    try Folders.run(Folders.plan(path, "w8a8"), in: folder)
    let names = Set(try WrittenFolder.files(folder.path("out")).keys)
    #expect(names.isDisjoint(with: Self.others))
    #expect(!names.contains { $0.hasPrefix("folder.json") || $0.hasPrefix("model-") })
  }

  @Test func theIndexNamesEveryTensorWithItsFile() throws {
    for (target, name) in [
      (ConversionTarget.ascend, "quant_model_weights.safetensors.index.json"),
      (.compressedTensors, "model.safetensors.index.json"),
    ] {
      let output = try Folders.convert(
        builder(), "w8a8", to: target, options: ConversionOptions(splitMaxByteCount: 4000)
      ).output
      let index = try output.json(name)
      let map = try #require(index["weight_map"]?.object)
      #expect(Set(map.members.map(\.key)) == Set(output.parts.keys))
      #expect(map.members.allSatisfy { output.files[$0.value.string ?? ""] != nil })
      let byteCount = output.parts.values.reduce(0) { $0 + $1.bytes.count }
      #expect(index["metadata"]?.object?["total_size"]?.integer == byteCount)
    }
  }

  @Test func anAscendFolderHasNoIndexThatHidesItsFiles() throws {
    var source = builder()
    source.shardCount = 3
    let output = try Folders.convert(source, "w8a8").output
    #expect(output.files["model.safetensors.index.json"] == nil)
  }

  // MARK: Description

  @Test func everyTensorIsDescribed() throws {
    let output = try Folders.convert(
      CheckpointBuilder(reading: TestData.url("tiny-v4/upstream")), "w4a8"
    ).output
    let description = try output.json("quant_model_description.json")
    let globals = ["model_quant_type", "version", "group_size", "metadata"]
    #expect(Array(description.members.map(\.key).prefix(4)) == globals)
    #expect(description["version"]?.string == "1.0.0" && description["group_size"]?.integer == 0)
    #expect(description["metadata"]?.object?.members.isEmpty ?? false)
    // W4A8_DYNAMIC is no type of a whole model.
    #expect(description["model_quant_type"]?.string == "W8A8_DYNAMIC")
    #expect(description["hc_head_fn"]?.string == "FLOAT")
    let names = Set(description.members.map(\.key)).subtracting(globals)
    #expect(names == Set(output.parts.keys))
    let bias = "layers.0.ffn.experts.0.w2.scale_bias"
    #expect(description[bias]?.string == "W4A8_DYNAMIC")
  }

  @Test func aFolderOfFloatsIsCalledFloat() throws {
    let description = try Folders.convert(builder(), "{rules: []}").output
      .json("quant_model_description.json")
    #expect(description["model_quant_type"]?.string == "FLOAT")
    #expect(description["model.norm.weight"]?.string == "FLOAT")
  }

  // MARK: Configuration

  @Test func theSourcesQuantizationIsNotThatOfTheOutput() throws {
    var source = try CheckpointBuilder(reading: TestData.url("tiny-v4/upstream"))
    source.config = source.config?.replacing(
      "\"vocab_size\"",
      with: #""text_config": {"a": 1, "quantization_config": {"b": 2}}, "vocab_size""#)
    #expect(source.config?.contains("\"quantization_config\"") ?? false)
    let output = try Folders.convert(source, "w8a8").output.json("config.json")
    #expect(output["quantization_config"] == nil)
    let text = try #require(output["text_config"]?.object)
    #expect(text.members.map(\.key) == ["a"])
    #expect(output["model_type"]?.string == "deepseek_v4")
    #expect(output["num_nextn_predict_layers"]?.integer == 1)
  }

  @Test func oneSchemeIsForAllLinearLayersButTheIgnored() throws {
    let output = try Folders.convert(builder(), "w8a8", to: .compressedTensors).output
    let json = try #require(try output.json("config.json")["quantization_config"]?.object)
    #expect(json["quant_method"]?.string == "compressed-tensors")
    #expect(json["format"]?.string == "int-quantized")
    #expect(json["quantization_status"]?.string == "compressed")
    // The head is the embedding: it has no tensor, but transformers builds a linear layer of it.
    let ignored = (json["ignore"]?.array ?? []).compactMap(\.string)
    #expect(ignored == ["model.embed_tokens", "lm_head"])
    let groups = try #require(json["config_groups"]?.object)
    #expect(groups.members.map(\.key) == ["group_0"])
    let group = try #require(groups["group_0"]?.object)
    #expect(group["targets"]?.array?.compactMap(\.string) == ["Linear"])
    let weights = try #require(group["weights"]?.object)
    #expect(weights["num_bits"]?.integer == 8 && weights["strategy"]?.string == "channel")
    #expect(weights["group_size"] == nil)
    #expect(group["input_activations"]?.object?["strategy"]?.string == "token")
  }

  @Test func severalSchemesNameTheirModules() throws {
    let recipe = """
      {rules: [{match: "role:attention", type: "w8a16_g32"},
               {match: "role:feed-forward", type: "w4a16_g32"}]}
      """
    let output = try Folders.convert(builder(), recipe, to: .compressedTensors).output
    let json = try #require(try output.json("config.json")["quantization_config"]?.object)
    #expect(json["format"]?.string == "pack-quantized")
    let groups = try #require(json["config_groups"]?.object)
    var targets: [String] = []
    for group in groups.members.compactMap(\.value.object) {
      let weights = try #require(group["weights"]?.object)
      #expect(weights["strategy"]?.string == "group" && weights["group_size"]?.integer == 32)
      targets += (group["targets"]?.array ?? []).compactMap(\.string)
    }
    #expect(groups.members.count == 2 && targets.count == 7)
    #expect(targets.allSatisfy { output.parts[$0 + ".weight_packed"] != nil })
  }

  @Test func floatsAloneHaveNoQuantizationConfig() throws {
    let output = try Folders.convert(
      builder(), Folders.everythingF32, to: .compressedTensors
    ).output
    #expect(try output.json("config.json")["quantization_config"] == nil)
  }

  // MARK: Options

  @Test func aChatTemplateOfTheUsersWins() throws {
    let template = "{{ messages }} and nothing else"
    let output = try Folders.convert(
      builder(), "w8a8", options: ConversionOptions(chatTemplate: template)
    ).output
    #expect(output.files["chat_template.jinja"] == Data(template.utf8))
  }

  @Test func draftsThatAreDroppedAreGone() throws {
    let output = try Folders.convert(
      CheckpointBuilder(reading: TestData.url("tiny-v4/upstream")), "w8a8",
      options: ConversionOptions(draft: .drop)
    ).output
    #expect(!output.parts.keys.contains { $0.hasPrefix("mtp.") })
    #expect(try output.json("config.json")["num_nextn_predict_layers"]?.integer == 0)
  }

  /// A folder whose architecture no table knows.
  @Test func anyFolderOfMatricesIsConverted() throws {
    var source = builder()
    source.config = source.config?.replacing("Llama", with: "Homegrown")
      .replacing("\"llama\"", with: "\"homegrown\"")
    let (output, certificate) = try Folders.convert(source, "w8a8", to: .compressedTensors)
    #expect(certificate.rows.count { $0.type == "w8a8" } == 7)
    #expect(output.parts["model.layers.0.mlp.up_proj.weight"]?.type == .i8)
    #expect(output.parts["model.embed_tokens.weight"]?.type == .f32)
    let text = try Folders.refusal(source, "w8a8")
    #expect(text.contains("omegrown"), "\(text)")
  }
}
