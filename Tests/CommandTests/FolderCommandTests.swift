import Foundation
import QuernContainers
import QuernTestSupport
import Testing

/// Folders for runtimes, made as a user makes them.
@Suite struct FolderCommandTests {
  private let stories = TestData.url("stories260K/f32").path
  private let tinyV4 = TestData.url("tiny-v4/upstream").path

  private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test func aSummarySaysHowToVerifyAndServe() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", tinyV4, "--to", "ascend", "--recipe", "w4a8", "-o", "folder/", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    #expect(scratch.names == ["folder"])
    for text in [
      "folder/quern-certificate.json", "folder/quant_model_description.json",
      "Next: quern verify folder --against \(tinyV4)",
      "Then: vllm serve folder --quantization ascend --tensor-parallel-size 1",
      "--enable-expert-parallel", "--speculative-config '{\"method\": \"mtp\"",
    ] { #expect(result.output.contains(text), "\(text) in \(result.output)") }
  }

  @Test func aModelWithoutExpertsIsServedWithoutTheirOptions() throws {
    let scratch = try Scratch()
    for (target, serve) in [
      ("ascend", "vllm serve out --quantization ascend --tensor-parallel-size 1\n"),
      ("compressed-tensors", "vllm serve out\n"),
    ] {
      let result = try QuernProcess.run(
        "convert", stories, "--to", target, "--recipe", "w8a8", "-o", "out", "--overwrite",
        in: scratch)
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output.hasSuffix("Then: " + serve), "\(result.output)")
    }
  }

  @Test func draftsThatAreDroppedAreNotServed() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", tinyV4, "--to", "ascend", "--recipe", "w8a8", "--mtp", "drop", "-o", "out",
      in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    #expect(!result.output.contains("--speculative-config"))
    #expect(result.errors.contains("--mtp drop"))
  }

  /// Servers run as somebody else than who converts.
  @Test func everyoneMayReadTheFiles() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.shell(
      #"umask 022; exec "$0" convert "$1" --to ascend --recipe w8a8 --relayout nz -o "$2" -q"#,
      tinyV4, scratch.path("out"))
    #expect(result.code == 0, "\(result.errors)")
    let names = try FileManager.default.subpathsOfDirectory(atPath: scratch.path("out"))
    #expect(names.count > 7)
    #expect(try mode(scratch.path("out")) == 0o755)
    for name in names {
      #expect(try mode(scratch.path("out/" + name)) == (name == "nz" ? 0o755 : 0o644), "\(name)")
    }
  }

  @Test func aFolderIsReplacedOnRequestOnlyAndOnlyIfQuernMadeIt() throws {
    let scratch = try Scratch()
    let line = ["convert", stories, "--to", "ascend", "--recipe", "w8a8", "-q", "-o"]
    #expect(try QuernProcess(line + ["out"], in: scratch.url).wait().code == 0)
    #expect(try QuernProcess(line + ["out"], in: scratch.url).wait().code == 73)
    #expect(try QuernProcess(line + ["out", "--overwrite"], in: scratch.url).wait().code == 0)
    try Scratch.makeFolder(scratch.path("mine"))
    let result = try QuernProcess(line + ["mine", "--overwrite"], in: scratch.url).wait()
    #expect(result.code == 73 && result.errors.contains("is no folder that Quern made"))
    #expect(scratch.names == ["mine", "out"])
  }

  @Test func theFilesAreAsLongAsThePlanSaid() throws {
    let scratch = try Scratch()
    let choices = ["--to", "ascend", "--recipe", "w4a8", "--split-max-size", "1MB", "--json"]
    let plan = try QuernProcess(["plan", tinyV4] + choices, in: scratch.url).wait().json()
    let result = try QuernProcess(
      ["convert", tinyV4, "-o", "out"] + choices, in: scratch.url
    ).wait()
    let files = try #require(plan["files"]?.array)
    #expect(files.count > 10)
    for file in files {
      let name = try #require(file.object?["name"]?.string)
      #expect(try scratch.contents(of: "out/" + name).count == file.object?["bytes"]?.integer)
    }
    #expect(try result.json()["plan"] == plan["plan"])
  }

  @Test(arguments: [
    (["--to", "ascend", "--recipe", "w8a8", "-o", "out.gguf"], "out.gguf is the name of a file"),
    (["--to", "gguf", "--recipe", "q8_0", "-o", "out.gguf", "--relayout", "nz"], "--to ascend"),
    (
      ["--to", "compressed-tensors", "--recipe", "w8a8", "-o", "out", "--relayout", "nz"], "ascend"
    ),
    (["--to", "ascend", "--target-bpw", "5", "-o", "out"], "--target-bpw is for --to gguf"),
    (["--to", "ascend", "--recipe", "w8a8", "-o", "out", "--model-name", "x"], "--model-name"),
    (["--to", "ascend", "--recipe", "q8_0", "-o", "out"], "q8_0"),
    (["--to", "compressed-tensors", "--recipe", "w4a8", "-o", "out"], "w4a8"),
    (["--to", "mlx", "--recipe", "w4a8", "-o", "out"], "mlx"),
  ])
  func choicesThatDoNotFitAreUsageErrors(choices: [String], text: String) throws {
    let scratch = try Scratch()
    let result = try QuernProcess(["convert", stories] + choices, in: scratch.url).wait()
    #expect(result.code == 64 && result.errors.contains(text), "\(result.errors)")
    #expect(scratch.names.isEmpty)
  }

  @Test func whatTheRuntimeCannotLoadIsBadDataAndLeavesNothing() throws {
    let scratch = try Scratch()
    for (recipe, text) in [
      (#"{rules: [{match: "*.q_proj.weight", type: "w8a8_dynamic"}]}"#, "qkv_proj"),
      (#"{rules: [{match: "role:feed-forward", type: "w4a8_dynamic"}]}"#, "routed experts"),
      (#"{rules: [{match: "role:attention", type: "q8_0"}]}"#, "q8_0"),
    ] {
      try scratch.write(recipe, to: "own.json5")
      let result = try QuernProcess.run(
        "convert", stories, "--to", "ascend", "--recipe", "./own.json5", "-o", "out", in: scratch)
      #expect(result.code == 65 && result.errors.contains(text), "\(result.errors)")
      #expect(scratch.names == ["own.json5"])
    }
  }
}
