import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct CalibrateCommandTests {
  private let stories = TestData.url("stories4M/bf16").path
  private let text = TestData.url("stories4M/self_generated_260K.txt").path
  private let experts = TestData.url("families/qwen3-moe").path

  private func scratchWithTokens() throws -> Scratch {
    let scratch = try Scratch()
    let ids = (0..<256).map { String(($0 * 37 + $0 * $0) % 512) }.joined(separator: ",")
    try scratch.write("[\(ids)]", to: "ids.json")
    return scratch
  }

  @Test func whatIsCollectedOfATextGuidesBothKindsOfEncoders() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "calibrate", stories, "--text", text, "--ctx", "64", "--chunks", "8", "--collect",
      "imatrix,ranges,hessians", "-o", "c", "--json", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    let report = try result.json()
    #expect(report["tokens"]?.integer == 512 && report["sequences"]?.integer == 8)
    for file in try #require(report["files"]?.array).compactMap(\.object) {
      let name = try #require(file["path"]?.string)
      #expect(try scratch.contents(of: name).count == file["bytes"]?.integer)
    }
    #expect(scratch.names == ["c.imatrix.gguf", "c.safetensors"])
    try scratch.write(
      #"{rules: [{match: "*_down.weight", type: "q4_0", method: "gptq"}], extends: "q4_0"}"#,
      to: "gptq.json5")
    let converted = try QuernProcess.run(
      "convert", stories, "--recipe", "gptq.json5", "--imatrix", "c.imatrix.gguf", "--calibration",
      "c.safetensors", "-o", "out.gguf", in: scratch)
    #expect(converted.code == 0, "\(converted.errors)")
    let verified = try QuernProcess.run(
      "verify", "out.gguf", "--against", stories, in: scratch)
    #expect(verified.code == 0, "\(verified.errors)")
  }

  @Test func expertsHaveImportanceAndStatisticsUnderTheNamesOfRuntimesToo() throws {
    let scratch = try scratchWithTokens()
    let result = try QuernProcess.run(
      "calibrate", experts, "--tokens", "ids.json", "--ctx", "64", "--min-tokens", "90",
      "--collect", "imatrix,hessians", "-o", "c", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("saw fewer than 90 tokens"), "\(result.output)")
    try scratch.write(
      #"{rules: [{match: "role:routed-expert", type: "q4_0", method: "gptq"}], extends: "q8_0"}"#,
      to: "gptq.json5")
    let gguf = try QuernProcess.run(
      "convert", experts, "--recipe", "gptq.json5", "--calibration", "c.safetensors", "-o",
      "out.gguf", in: scratch)
    #expect(gguf.code == 0, "\(gguf.errors)")
    let folder = try QuernProcess.run(
      "convert", experts, "--to", "compressed-tensors", "--recipe", "w8a8", "--imatrix",
      "c.imatrix.gguf", "-o", "out", "--json", in: scratch)
    #expect(folder.code == 0, "\(folder.errors)")
    let certificate = try JSONValue(
      parsing: Array(scratch.contents(of: "out/quern-certificate.json")))
    let rows = try #require(certificate.object?["tensors"]?.array).compactMap(\.object)
    let expert = try #require(
      rows.first { $0["name"]?.string == "model.layers.1.mlp.experts.5.down_proj.weight" })
    #expect(expert["importance"] != nil)
    let verified = try QuernProcess.run("verify", "out", "--against", experts, in: scratch)
    #expect(verified.code == 0, "\(verified.errors)")
  }

  @Test(arguments: [
    (["--max-disk", "1kB"], 73, "are allowed"), (["--bos", "512"], 65, "an id below 512"),
    (["--ctx", "100000"], 65, "the model's context"),
    (["--collect", "imatrix,all"], 64, "--collect"),
    (["--hessian-block", "128"], 64, "256 or 512"),
    (["-o", "c.gguf"], 64, "without its ending"), (["--text", "ids.json"], 64, "--text"),
    (["--chunks", "0"], 64, "at least 1"), (["-o", "none/c"], 73, "no such folder"),
  ])
  func refusalsLeaveNothing(options: [String], code: Int32, text: String) throws {
    let scratch = try scratchWithTokens()
    // The model's context is longer than the ids: one chunk of all of them would fit it.
    let tokens = options.first == "--ctx" ? try longTokens(scratch) : "ids.json"
    let output = options.first == "-o" ? [] : ["-o", "c"]
    let result = try QuernProcess(
      ["calibrate", experts, "--tokens", tokens] + output + options, in: scratch.url
    ).wait()
    #expect(result.code == code && result.errors.contains(text), "\(result.code) \(result.errors)")
    #expect(!scratch.names.contains { $0.hasPrefix("c.") })
  }

  private func longTokens(_ scratch: Scratch) throws -> String {
    try scratch.write(
      "[\(Array(repeating: "1", count: 5000).joined(separator: ","))]", to: "long.json")
    return "long.json"
  }

  @Test func anInputThatIsNotThereIsNoInput() throws {
    let scratch = try Scratch()
    for arguments in [["--text", "none.txt"], ["--tokens", "none.json"]] {
      let result = try QuernProcess(
        ["calibrate", stories] + arguments + ["-o", "c"], in: scratch.url
      ).wait()
      #expect(result.code == 66, "\(result.errors)")
    }
  }
}
