import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct ReportTests {
  private let model = TestData.url("stories260K/f32").path

  @Test func aPlanShowsWhatBecomesOfEveryTensor() throws {
    let result = try QuernProcess.run("plan", model, "--recipe", "q8_0", "--threads", "2")
    #expect(result.code == 0)
    let expected = """
        tensor                             source  role          shape      type   bits  method  expected    bytes
        token_embd.weight                  F32     embedding     [512, 64]  f32   32.00  copy    exact     131,072
        output_norm.weight                 F32     norm          [64]       f32   32.00  copy    exact         256
        blk.{0-4}.attn_norm.weight    5 ×  F32     norm          [64]       f32   32.00  copy    exact       1,280
      """
    // Columns move with the longest name: only the rows and their order are fixed.
    #expect(words(result.output).starts(with: words(header(of: model) + expected)) == true)
    #expect(result.output.contains("f16 (rows of 172: no q8_0)"))
  }

  private func header(of path: String) -> String { "\(path) to gguf, recipe q8_0@2\n" }

  private func words(_ text: String) -> [Substring] { text.split { " \n".contains($0) } }

  @Test func allTensorsAreListedOnRequest() throws {
    let few = try QuernProcess.run("plan", model, "--recipe", "q8_0").output
    let all = try QuernProcess.run("plan", model, "--recipe", "q8_0", "--all").output
    #expect(few.contains("blk.{0-4}.attn_q.weight") && !few.contains("blk.3.attn_q.weight"))
    #expect(all.contains("blk.3.attn_q.weight") && !all.contains("{0-4}"))
  }

  @Test func droppedTensorsAreShownWithTheirReason() throws {
    let result = try QuernProcess.run(
      "plan", TestData.url("tiny-v4/upstream").path, "--recipe", "q4_0", "--mtp", "drop")
    #expect(result.code == 0)
    #expect(result.output.contains("dropped:"))
    #expect(result.output.contains("mtp.0."))
    #expect(result.errors.contains("are dropped"))
  }

  @Test(arguments: [
    "inspect MODEL", "inspect MODEL/model.safetensors", "inspect GGUF",
    "plan MODEL --recipe q4_0", "convert MODEL --recipe q8_0 -o out.gguf",
  ])
  func jsonIsOneDocument(_ line: String) throws {
    let gguf = TestData.url("stories260K/llama.cpp-f32.gguf").path
    let arguments = (line + " --json").split(separator: " ").map {
      String($0).replacing("MODEL", with: model).replacing("GGUF", with: gguf)
    }
    let result = try QuernProcess(arguments).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(!(try result.json()).members.isEmpty)
  }

  @Test func aGGUFFileShowsMetadataAndShortensItsArrays() throws {
    let gguf = TestData.url("stories260K/llama.cpp-f32.gguf").path
    let result = try QuernProcess.run("inspect", gguf)
    #expect(result.output.contains("general.architecture"))
    #expect(result.output.contains("512 in all"))
    #expect(result.output.contains("blk.{0-4}.attn_q.weight"))
  }

  @Test func anUnknownFamilyIsANote() throws {
    let scratch = try Scratch()
    let source = URL(filePath: model)
    try FileManager.default.copyItem(
      at: source.appending(path: "model.safetensors"),
      to: scratch.url.appending(path: "model.safetensors"))
    try scratch.write("{\"architectures\": [\"OwlForCausalLM\"]}", to: "config.json")
    let result = try QuernProcess.run("inspect", ".", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("OwlForCausalLM"))
  }

  @Test(arguments: ["source", "q8_0@2", "q4_k_m"], ["tiny-v4/upstream", "stories260K/f32"])
  func aPrintedRecipePlansWhatItsBuiltInPlans(_ name: String, model: String) throws {
    let scratch = try Scratch()
    try scratch.write(QuernProcess.run("recipes", name).output, to: "mine.json5")
    let path = TestData.url(model).path
    let own = try QuernProcess.run("plan", path, "--recipe", "mine.json5", in: scratch)
    let builtIn = try QuernProcess.run("plan", path, "--recipe", name, in: scratch)
    #expect(own.code == 0, "\(own.errors)")
    let hash = { (text: String) in text.split(separator: "\n").first { $0.hasPrefix("  plan ") } }
    #expect(hash(own.output) != nil)
    #expect(hash(own.output) == hash(builtIn.output))
  }

  @Test func recipesAreListedByName() throws {
    let list = try QuernProcess.run("recipes").output
    for name in ["source@1", "q8_0@2", "q4_0@2", "q4_k_m@1"] {
      #expect(list.split(separator: "\n").contains { $0.hasPrefix(name + " ") })
    }
  }

  @Test func inspectionNamesAScaleThatIsNoNumber() throws {
    let result = try QuernProcess.run(
      "inspect", TestData.url("malformed/quant/e8m0-nan").path)
    #expect(result.code == 65)
    #expect(result.output.contains("layers.0.attn.wo_b.scale"))
  }
}
