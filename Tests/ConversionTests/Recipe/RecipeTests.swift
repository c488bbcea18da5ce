import QuernConversion
import QuernQuantization
import QuernTestSupport
import Testing

struct RecipeTests {
  private func parse(_ text: String) throws -> Recipe {
    try Recipe.parse(Array(text.utf8), name: "r.json5", target: .gguf)
  }

  @Test func everyBuiltInParsesAndItsTextIsAFileThatCouldHaveBeenWritten() throws {
    let builtIns = Recipe.builtIns(target: .gguf)
    #expect(
      builtIns.map(\.displayName) == [
        "source@1", "q8_0@2", "q4_0@2", "q4_k_m@1", "q4_k_s@1", "q5_k_m@1", "q6_k@1", "iq4_xs@1",
        "iq4_nl@1", "nvfp4@1", "v4-int8@1", "v4-int4@1",
      ])
    for builtIn in builtIns {
      let loaded = try Recipe.load(builtIn.name, target: .gguf)
      #expect(loaded.displayName == builtIn.displayName)
      #expect(try Recipe.load(builtIn.displayName, target: .gguf) == loaded)
      let parsed = try parse(builtIn.text)
      #expect(loaded.rules.map(\.match) == parsed.rules.map(\.match))
      #expect(loaded.rules.map(\.type) == parsed.rules.map(\.type))
    }
  }

  @Test func commentsBareKeysAndTrailingCommasAreTaken() throws {
    let recipe = try parse(
      """
      // a comment
      {
        rules: [
          {match: "*_norm.weight", type: "f32"}, /* another */
          {match: "source:model.layers.0.*", type: "q8_0", method: "absmax",},
          {match: "role:routed-expert", type: "source"},
        ],
      }
      """)
    #expect(
      recipe.rules.map(\.match) == [
        .output("*_norm.weight"), .source("model.layers.0.*"), .role(.routedExpert),
      ])
    #expect(recipe.rules.map(\.type) == [.format(.f32), .format(.q8_0), .source])
    #expect(recipe.rules.map(\.method) == [.auto, .absmax, .auto])
  }

  @Test func extendingPutsTheOwnRulesFirst() throws {
    let base = try Recipe.load("q4_0", target: .gguf)
    let recipe = try parse(#"{extends: "q4_0", rules: [{match: "output.weight", type: "q8_0"}]}"#)
    #expect(recipe.rules.count == base.rules.count + 1)
    #expect(recipe.rules[0].match == .output("output.weight"))
    #expect(Array(recipe.rules.dropFirst()) == base.rules)
  }

  @Test(arguments: [
    ("", "malformed"), ("[]", "expected an object"), ("{}", "rules"), ("{rules: 1}", "rules"),
    ("{rules: [], extend: \"q8_0\"}", "extend"), ("{rules: [], extends: 1}", "extends"),
    ("{rules: [], extends: \"q9\"}", "q9"), ("{rules: [1]}", "rule 1"),
    ("{rules: [{type: \"f32\"}]}", "match"), ("{rules: [{match: \"*\"}]}", "type"),
    ("{rules: [{match: \"*\", type: \"q9_0\"}]}", "q9_0"),
    ("{rules: [{match: \"*\", type: \"i32\"}]}", "i32"),
    ("{rules: [{match: \"*\", type: \"Q8_0\"}]}", "Q8_0"),
    ("{rules: [{match: \"*\", type: 8}]}", "type"),
    ("{rules: [{match: \"*\", type: \"f32\", method: \"best\"}]}", "best"),
    ("{rules: [{match: \"*\", type: \"f32\", methd: \"auto\"}]}", "methd"),
    ("{rules: [{match: \"*\", type: \"q4_k\", method: \"absmax\"}]}", "ggml"),
    ("{rules: [{match: \"*\", type: \"iq4_nl\", method: \"absmax\"}]}", "ggml"),
    ("{rules: [{match: \"*\", type: \"q5_1\", method: \"ggml\"}]}", "absmax"),
    ("{rules: [{match: \"*\", type: \"bf16\", method: \"ggml\"}]}", "block formats"),
    ("{rules: [{match: \"*\", type: \"bf16\", method: \"gptq\"}]}", "block formats"),
    ("{rules: [{match: \"*\", type: \"q4_0\", actOrder: true}]}", "for method gptq"),
    ("{rules: [{match: \"*\", type: \"q8_0\", layers: \"all\"}]}", "more-bits"),
    ("{version: 0, rules: []}", "version"), ("{version: \"2\", rules: []}", "version"),
    ("{rules: [{match: \"role:expert\", type: \"f32\"}]}", "expert"),
    ("{rules: [], rules: []}", "malformed"), ("{rules: []} x", "malformed"),
  ])
  func whatIsUnknownIsNamed(text: String, named: String) {
    let error = #expect(throws: RecipeError.self) { try parse(text) }
    #expect(error?.description.contains(named) ?? false)
    #expect(error?.description.contains("q9") ?? false || error?.recipe == "r.json5")
  }

  @Test func aNameIsABuiltInAndAnythingWithASlashIsAFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("own", Array("{rules: [{match: \"*\", type: \"f16\"}]}".utf8))
    #expect(try Recipe.load(path, target: .gguf).rules.count == 1)
    let missing = #expect(throws: ConversionError.self) {
      try Recipe.load("./none.json5", target: .gguf)
    }
    #expect(missing?.description.contains("none.json5") ?? false)
    let unknown = #expect(throws: ConversionError.self) { try Recipe.load("q5", target: .gguf) }
    #expect(unknown?.description.contains("source, q8_0, q4_0") ?? false)
    let old = #expect(throws: ConversionError.self) { try Recipe.load("q4_0@1", target: .gguf) }
    #expect(old?.description.contains("this build has q4_0@2") ?? false)
  }
}
