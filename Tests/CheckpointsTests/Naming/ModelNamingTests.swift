import QuernContainers
import Testing

@testable import QuernCheckpoints

struct ModelNamingTests {
  private func texts(_ result: TokenizerResult) -> [String] {
    result.keyValues.map { keyValue in
      switch keyValue.value {
      case .string(let text): "\(keyValue.key)=\(text.text)"
      case .array(.strings(let strings)):
        "\(keyValue.key)=" + (0..<strings.count).map { strings[$0].text }.joined(separator: "+")
      case let value: "\(keyValue.key)=\(value)"
      }
    }
  }

  /// 34 names at four sizes, against gguf-py.
  @Test func partsOfANameEqualLlamaCpp() throws {
    let table = try #require(try TokenizerInput.json("tokenizers/names.json").object)
    for row in try #require(table["names"]?.array) {
      let row = try #require(row.array)
      let name = try #require(row[0].string)
      let parts = ModelIdentifier(name, parameterCount: try #require(row[1].integer))
      let found = [
        ModelIdentifier.title(parts.fullName), parts.fullName, parts.organization, parts.basename,
        parts.finetune, parts.version, parts.sizeLabel,
      ]
      #expect(found == row[2...].map(\.string), "\(name) at \(row[1].summary)")
    }
  }

  @Test func roundedCountsEqualLlamaCpp() throws {
    let table = try #require(try TokenizerInput.json("tokenizers/names.json").object)
    for row in try #require(table["sizes"]?.array) {
      let count = try #require(row.array?[0].integer)
      #expect(ParameterCount.rounded(count) == row.array?[1].string, "\(count)")
    }
  }

  @Test(arguments: [
    ("f32", ["general.name=F32", "general.size_label=260K"]),
    (
      "tiny-v4",
      [
        "general.name=Tiny v4", "general.version=v4", "general.basename=tiny",
        "general.size_label=260K",
      ]
    ),
    ("llama-rope-scaled", ["general.name=Llama Rope Scaled", "general.size_label=260K"]),
  ])
  func foldersAreNamedLikeTheGoldenFiles(folder: String, expected: [String]) {
    var parameters = ParameterCount()
    parameters.add(elementCount: 259_704)
    let result = ModelNaming.keyValues(
      folderName: folder, config: JSONObject(), parameters: parameters)
    #expect(texts(result) == expected)
  }

  @Test func expertsAreCountedOncePerLayerInTheSizeLabel() {
    var parameters = ParameterCount()
    parameters.add(elementCount: 4_000_000)
    for _ in 0..<6 { parameters.add(elementCount: 800_000, experts: 8) }
    #expect(parameters.sizeLabel == "8x4.6M")
    #expect(parameters.total == 8_800_000)
    #expect(ParameterCount().sizeLabel == nil)
  }

  @Test func theRepositoryNamesTheModelRatherThanTheSnapshotFolder() {
    let result = ModelNaming.keyValues(
      folderName: "0123abcd", repositoryID: "deepseek-ai/DeepSeek-V4-Flash", config: JSONObject(),
      parameters: ParameterCount())
    #expect(
      texts(result) == ["general.name=DeepSeek V4 Flash", "general.organization=Deepseek Ai"])
  }

  @Test func theConfigNamesTheModelUnlessItHoldsAPath() throws {
    for (path, name) in [("meta-llama/Llama-2-7b-hf", "Llama 2 7b Hf"), ("/data/a/b", "Folder")] {
      let result = ModelNaming.keyValues(
        folderName: "folder",
        config: try TokenizerInput.object(#"{"_name_or_path": "\#(path)"}"#),
        parameters: ParameterCount())
      #expect(texts(result).first == "general.name=\(name)")
    }
  }

  @Test func theUsersNameIsTakenAsItIs() {
    let result = ModelNaming.keyValues(
      folderName: "tiny-v4", modelName: "my-model", config: JSONObject(),
      parameters: ParameterCount())
    #expect(texts(result).first == "general.name=my-model")
  }

  @Test func theModelCardGivesLicenceParentsAndTags() {
    let card = """
      ---
      license: other # see below
      license_name: "deepseek"
      license_link: 'https://example.org/LICENSE'
      base_model:
      - deepseek-ai/DeepSeek-V3-Base
      - https://huggingface.co/Qwen/Qwen3-8B
      tags: [moe, chat]
      pipeline_tag: text-generation
      language:
        - en
        - "no"
      model-index:
        - name: x
          results: []
      extra: |
        license: mit
      ---
      license: apache-2.0
      """
    let result = ModelNaming.keyValues(
      folderName: "m", config: JSONObject(), readme: Array(card.utf8), parameters: ParameterCount())
    #expect(
      texts(result) == [
        "general.name=M", "general.license=other", "general.license.name=deepseek",
        "general.license.link=https://example.org/LICENSE",
        "general.base_model.count=2", "general.base_model.0.name=DeepSeek V3 Base",
        "general.base_model.0.organization=Deepseek Ai",
        "general.base_model.0.repo_url=https://huggingface.co/deepseek-ai/DeepSeek-V3-Base",
        "general.base_model.1.name=Qwen3 8B", "general.base_model.1.organization=Qwen",
        "general.base_model.1.repo_url=https://huggingface.co/Qwen/Qwen3-8B",
        "general.tags=moe+chat+text-generation", "general.languages=en+no",
      ])
  }

  @Test(arguments: ["", "---", "---\n", "x\n---\nlicense: mit\n---", "---\nlicense: mit"])
  func aReadmeWithoutFrontMatterSaysNothing(card: String) {
    let result = ModelNaming.keyValues(
      folderName: "m", config: JSONObject(), readme: Array(card.utf8), parameters: ParameterCount())
    #expect(texts(result) == ["general.name=M"])
  }

  @Test func recommendedSamplingComesFirst() {
    let generation =
      #"{"temperature": 0.5, "top_k": 20, "repetition_penalty": 1, "top_p": "x", "seed": 1}"#
    let result = ModelNaming.keyValues(
      folderName: "m", config: JSONObject(), generationConfig: Array(generation.utf8),
      parameters: ParameterCount())
    #expect(
      result.keyValues == [
        GGUFKeyValue("general.sampling.top_k", .int32(20)),
        GGUFKeyValue("general.sampling.temp", .float32(0.5)),
        GGUFKeyValue("general.sampling.penalty_repeat", .float32(1)),
        GGUFKeyValue("general.name", .text("M")),
      ])
    #expect(result.warnings == ["generation_config.json: top_p is \"x\", which is left out"])
  }
}
